// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every way in which a machine ends, with its message and exit status; the bed walks them too. */
@RequiresKvm
@Guests
class EndsIT {
  /** A step of jkvm's own, on standard error. */
  private static final String RUNS = "the guest runs";

  static Stream<End> ends() throws Exception {
    return End.all().stream();
  }

  @ParameterizedTest
  @MethodSource("ends")
  void endsAsTheTableSays(End end) throws Exception {
    try (JkvmProcess jkvm = JkvmProcess.start(command(end))) {
      if (end.trigger().equals(RUNS) && !end.isKey()) {
        jkvm.awaitError(RUNS);
      } else if (!end.trigger().isEmpty()) {
        jkvm.awaitOutput(end.trigger());
      }
      if (end.isKey()) {
        jkvm.send("\u0001" + end.action());
      }
      send(end.signals(), jkvm);
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(end.status(), result.status(), result::toString);
      // On a terminal all is one stream.
      String last = lastLine(end.isKey() ? result.out() : result.err());
      assertTrue(last.startsWith("jkvm: " + end.message()), result::toString);
    }
  }

  /** A second signal counts when the first is a second ago. */
  private static void send(List<String> signals, JkvmProcess jkvm) throws Exception {
    if (!signals.isEmpty()) {
      JkvmProcess.signal(jkvm.pid(), signals.get(0));
    }
    if (signals.size() > 1) {
      jkvm.awaitError("asked the guest to power off");
      ProcessHandle process = ProcessHandle.of(jkvm.pid()).orElseThrow();
      while (process.isAlive()) {
        process.destroy(); // SIGTERM
        Thread.sleep(100);
      }
    }
  }

  private static List<String> command(End end) {
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT,TERM,HUP"));
    command.addAll(
        JkvmProcess.runCommand(
            "--mem=64M",
            "--kernel=" + end.image(),
            "--initrd=" + ProjectFiles.guestImage("initramfs.cpio"),
            "--cmdline=quiet " + end.commandLine()));
    if (end.trigger().equals(RUNS)) {
      command.add("--verbose");
    }
    command.addAll(end.options());
    if (end.options().stream().noneMatch(option -> option.startsWith("--grace"))) {
      command.add("--grace=600s");
    }
    if (end.action().startsWith(">")) {
      command.addAll(0, List.of("sh", "-c", "exec \"$@\" " + end.action(), "sh"));
    }
    if (end.isKey()) {
      List<String> quoted = command.stream().map(w -> "'" + w.replace("'", "'\\''") + "'").toList();
      return List.of("script", "-qec", String.join(" ", quoted), "/dev/null");
    }
    return command;
  }

  /** What came after it belongs to the report: a crash's has several lines, indented. */
  private static String lastLine(String text) {
    return text.lines()
        .filter(line -> line.startsWith("jkvm: ") && !line.startsWith("jkvm: ["))
        .reduce("", (before, line) -> line);
  }
}
