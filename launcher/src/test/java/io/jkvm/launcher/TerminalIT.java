// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A terminal on all three streams: a pseudo-terminal of util-linux's {@code script}. */
@RequiresKvm
@Timeout(1200)
@Guests
class TerminalIT {
  private static final String ERASE = "stty erase ^H kill ^U -ixany";

  @TempDir Path folder;

  /** Runs jkvm between two looks at the terminal's settings, and a third while it runs. */
  private JkvmProcess start(String more) throws Exception {
    String run =
        JkvmProcess.binary()
            + " run --verbose --mem 64M --kernel "
            + ProjectFiles.guestImage("bzImage")
            + " --initrd "
            + ProjectFiles.guestImage("initramfs.cpio")
            + " "
            + more;
    Path script =
        Files.writeString(
            folder.resolve("session.sh"),
            ERASE
                + "; tty >tty; stty -g >before; sh -c 'echo $$ >pid; exec \"$@\"' sh "
                + run
                + "; echo $? >status; stty -g >after\n");
    return JkvmProcess.start(
        List.of("sh", "-c", "cd " + folder + " && exec script -qec 'sh " + script + "' /dev/null"));
  }

  private String file(String name) throws Exception {
    return Files.readString(folder.resolve(name), StandardCharsets.UTF_8).strip();
  }

  /** Until the settings are others than before; its time limit is the class's. */
  private void awaitRaw() throws Exception {
    List<String> stty = List.of("stty", "-g", "-F", file("tty"));
    String now = file("before");
    while (now.equals(file("before"))) {
      JkvmProcess.Result result = JkvmProcess.run(JkvmProcess.STOP_SECONDS, stty);
      assertEquals(0, result.status(), result::toString);
      now = result.out().strip();
    }
  }

  private void assertEnded(JkvmProcess terminal, int status) throws Exception {
    terminal.awaitEnd(JkvmProcess.STOP_SECONDS);
    assertEquals(String.valueOf(status), file("status"), terminal.output());
    assertEquals(file("before"), file("after"));
  }

  @Test
  void keysReachTheGuestAndCtrlAIsOurs() throws Exception {
    try (JkvmProcess terminal = start("--cmdline quiet")) {
      terminal.awaitOutput("the guest runs");
      terminal.send("\u0001h");
      terminal.awaitOutput("Ctrl-A x  stop the virtual machine");
      terminal.awaitOutput("leave with exit");
      awaitRaw();

      terminal.send("echo answer $((6*7))\r");
      terminal.awaitOutput("answer 42");
      // Ctrl-C is the guest's: it ends the command there, not jkvm.
      terminal.send("echo asleep $((6*7)); sleep 1000; echo slept\r");
      terminal.awaitOutput("asleep 42");
      terminal.send("\u0003");
      terminal.send("\recho still $((6*7))\r");
      terminal.awaitOutput("still 42");

      terminal.send("\u0001x");
      assertEnded(terminal, 0);
      assertFalse(terminal.output().contains("\nslept"), terminal.output());
    }
  }

  @Test
  void aSignalRestoresTheTerminal() throws Exception {
    try (JkvmProcess terminal = start("")) {
      terminal.awaitOutput("the guest runs");
      awaitRaw();
      JkvmProcess.signal(Long.parseLong(file("pid")), "TERM");
      assertEnded(terminal, 143);
    }
  }

  @Test
  void theTerminalIsRestoredWhenTheJvmIsKilled() throws Exception {
    try (JkvmProcess terminal = start("")) {
      terminal.awaitOutput("the guest runs");
      awaitRaw();
      // bin/jkvm waits for the JVM, its child.
      long jvm =
          ProcessHandle.of(Long.parseLong(file("pid")))
              .orElseThrow()
              .children()
              .findFirst()
              .orElseThrow()
              .pid();
      JkvmProcess.signal(jvm, "KILL");
      assertEnded(terminal, 137);
    }
  }

  /** Otherwise the JVM would go on with the disk's lock and the terminal, and nobody would know. */
  @Test
  void aKilledWrapperTakesTheJvmAlong() throws Exception {
    try (JkvmProcess terminal = start("")) {
      terminal.awaitOutput("the guest runs");
      awaitRaw();
      ProcessHandle wrapper = ProcessHandle.of(Long.parseLong(file("pid"))).orElseThrow();
      ProcessHandle jvm = wrapper.children().findFirst().orElseThrow();
      JkvmProcess.signal(wrapper.pid(), "KILL");
      jvm.onExit().get(JkvmProcess.STOP_SECONDS, TimeUnit.SECONDS);
      terminal.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals("137", file("status"), terminal.output());
    }
  }

  @Test
  void anErrorRestoresTheTerminal() throws Exception {
    try (JkvmProcess terminal = start("--disk /nonexistent")) {
      terminal.awaitOutput("/nonexistent");
      assertEnded(terminal, 3);
    }
  }
}
