// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.testing.FaultyMedium;
import io.jkvm.core.testing.FuseFile;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk whose host fails the last flush: the status says so, whatever else ended the machine. */
@RequiresKvm
@Guests
class LastFlushIT {
  @TempDir Path folder;

  private List<String> arguments(FuseFile disk) throws Exception {
    return List.of(
        "--quiet",
        "--mem",
        "64M",
        "--kernel",
        TinyKernel.write(folder).toString(),
        "--disk",
        disk.path().toString());
  }

  @Test
  void itsFailureCountsMoreThanASignal() throws Exception {
    FaultyMedium medium = new FaultyMedium(1 << 20);
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT,TERM,HUP"));
    try (FuseFile disk = new FuseFile(folder.resolve("disk.img"), medium, 1)) {
      command.addAll(JkvmProcess.runCommand(arguments(disk).toArray(String[]::new)));
      try (JkvmProcess jkvm = JkvmProcess.start(command)) {
        jkvm.awaitOutput("K");
        medium.failSyncs(Errno.EIO, Integer.MAX_VALUE);
        JkvmProcess.signal(jkvm.pid(), "TERM");
        JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
        assertEquals(3, result.status(), result::toString);
        String last = result.err().lines().reduce("", (before, line) -> line);
        assertTrue(last.contains(disk.path().toString()), result::toString);
        assertTrue(last.contains("EIO"), result::toString);
      }
    }
  }

  @Test
  void onATerminalToo() throws Exception {
    FaultyMedium medium = new FaultyMedium(1 << 20);
    try (FuseFile disk = new FuseFile(folder.resolve("disk.img"), medium, 1);
        ShellTerminal terminal = new ShellTerminal(folder)) {
      String settings = terminal.run("stty -g");
      terminal.start(JkvmProcess.binary() + " run " + String.join(" ", arguments(disk)));
      terminal.awaitRaw();
      terminal.type("~");
      terminal.await("~");
      medium.failSyncs(Errno.EIO, Integer.MAX_VALUE);
      JkvmProcess.signal(ShellTerminal.childOf(terminal.process()).pid(), "TERM");
      terminal.awaitPrompt();
      assertEquals("3", terminal.run("echo $?"));
      assertEquals(settings, terminal.run("stty -g"));
    }
  }
}
