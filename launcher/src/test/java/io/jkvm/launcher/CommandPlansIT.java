// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import io.jkvm.devices.storage.RawImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code jkvm test} as loops, bisections and the readers of its reports use it. */
@RequiresKvm
@Guests
class CommandPlansIT {
  private static final String PANIC = "echo c >/proc/sysrq-trigger; sleep 1000";

  @TempDir Path folder;

  private static JkvmProcess.Result run(List<String> command) throws Exception {
    return JkvmProcess.run(2 * JkvmProcess.BOOT_SECONDS, command);
  }

  private static String lastLine(JkvmProcess.Result result) {
    return result.err().lines().reduce((first, second) -> second).orElse("");
  }

  private static int count(String text, String word) {
    return text.split(word, -1).length - 1;
  }

  /** As a terminal does it: to the shell that starts Java, and to Java, at the same time. */
  @Test
  void controlCReportsWhatThereIs() throws Exception {
    Path json = folder.resolve("report.json");
    Path junit = folder.resolve("report.xml");
    List<String> command =
        new ArrayList<>(List.of("env", "--default-signal=INT,TERM,HUP", "setsid"));
    command.addAll(
        CommandEndsIT.command(
            "--repeat",
            "1000",
            "--log",
            folder.resolve("k.log").toString(),
            "--json",
            json.toString(),
            "--junit",
            junit.toString(),
            "--",
            "sh",
            "-c",
            "echo 1..1; echo ok 1 a"));
    try (JkvmProcess jkvm = JkvmProcess.start(command)) {
      while (!Files.exists(folder.resolve("k-2.log"))) {
        assertTrue(ProcessHandle.of(jkvm.pid()).isPresent(), "ended without a second run");
        Thread.sleep(20);
      }
      JkvmProcess.signal(-jkvm.pid(), "INT");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(130, result.status(), result::toString);
      assertEquals("jkvm: 2 of 1000 runs done, status 130", lastLine(result), result::toString);
    }
    String report = Files.readString(json);
    assertEquals(1, count(report, "\"end\" : \"exited\""), report);
    assertEquals(1, count(report, "\"end\" : \"interrupted\""), report);
    String xml = Files.readString(junit);
    assertEquals(2, count(xml, "<testsuite "), xml);
    assertTrue(xml.contains("name=\"a\""), xml);
  }

  @Test
  void noRunIsBegunAfterOneThatFails() throws Exception {
    JkvmProcess.Result result =
        run(
            CommandEndsIT.command(
                "--repeat",
                "5",
                "--stop-on",
                "fail",
                "--",
                "sh",
                "-c",
                "echo not ok 1 why; exit 3"));
    assertEquals(3, result.status(), result::toString);
    assertEquals("jkvm: 1 of 5 runs done, status 3", lastLine(result), result::toString);
    String why = "  | not ok 1 why\njkvm: sh: exited with status 3; tests that did not pass: 1\n";
    assertTrue(result.err().contains(why), result::toString);
  }

  /** Without a guest: both find the disk open elsewhere. */
  @Test
  void aRunThatCanNotBeMadeStandsWithItsKernel() throws Exception {
    Path json = folder.resolve("report.json");
    Path disk = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
    Path other = Files.copy(ProjectFiles.guestImage("bzImage"), folder.resolve("another"));
    List<String> command = CommandEndsIT.command("--kernel", other.toString());
    command.addAll(List.of("--disk", disk.toString(), "--json", json.toString(), "--", "true"));
    JkvmProcess.Result result;
    RawImage elsewhere = RawImage.open(disk, false);
    try {
      result = run(command);
    } finally {
      elsewhere.close();
    }
    assertEquals(125, result.status(), result::toString);
    String report = Files.readString(json);
    assertEquals(2, count(report, "is in use"), report);
    assertEquals(1, count(report, "\"kernel\" : \"" + other), report);
    assertEquals(0, count(report, "\"kernel\" : \"\""), report);
  }

  /** A line that changes there; again without a guest, for the same reason. */
  @Test
  void aTerminalShowsHowFarManyRunsHaveCome() throws Exception {
    Path disk = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
    List<String> command = CommandEndsIT.command("--repeat", "2", "--disk", disk.toString());
    command.addAll(List.of("--", "true"));
    RawImage elsewhere = RawImage.open(disk, false);
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      terminal.start(String.join(" ", command));
      terminal.await("[..............................] 0/2, 0 failed");
      terminal.await("in use");
      terminal.await("[###############...............] 1/2, 1 failed");
      terminal.await("jkvm: 2 of 2 runs done, status 125");
    } finally {
      elsewhere.close();
    }
  }

  @Test
  void aBisectionHearsOfAPanicThatTheRevisionIsBad() throws Exception {
    JkvmProcess.Result result = run(CommandEndsIT.command("--bisect", "--", "sh", "-c", PANIC));
    assertEquals(1, result.status(), result::toString);
    assertTrue(lastLine(result).startsWith("jkvm: panic, status 201"), result::toString);
  }

  /** A kernel that never starts the command; with the time that such a one needs to have. */
  @Test
  void aKernelThatDoesNotComeUpIsBadOrSkippedAsAskedFor() throws Exception {
    for (String option : List.of("--bisect", "--bisect-skip-boot")) {
      List<String> command = CommandEndsIT.command(option, "--timeout", "2s", "--", "true");
      command.set(command.indexOf("--kernel") + 1, TinyKernel.write(folder).toString());
      JkvmProcess.Result result = run(command);
      assertEquals(option.equals("--bisect") ? 1 : 125, result.status(), result::toString);
      assertTrue(lastLine(result).startsWith("jkvm: limit, status 124"), result::toString);
    }
  }

  /** Of a guest that says what KUnit says, in the log where KUnit says it. */
  @Test
  void theKernelsOwnTestsCountWhereTheyAreAskedFor() throws Exception {
    Path junit = folder.resolve("report.xml");
    Path json = folder.resolve("report.json");
    String script =
        "while IFS= read -r line; do echo \"$line\" >/dev/kmsg; done; echo the command is done";
    String told =
        """
        KTAP version 1
        1..1
            KTAP version 1
            # Subtest: list
            1..2
            ok 1 add
            not ok 2 del
        not ok 1 list
        """;
    List<String> shell =
        new ArrayList<>(List.of("sh", "-c", "printf '" + told + "' | \"$@\"", "sh"));
    shell.addAll(
        CommandEndsIT.command(
            "--kunit",
            "--junit",
            junit.toString(),
            "--json",
            json.toString(),
            "--",
            "sh",
            "-c",
            script));
    JkvmProcess.Result result = run(shell);
    assertEquals(1, result.status(), result::toString);
    assertEquals("the command is done\n", result.out());
    assertTrue(lastLine(result).startsWith("jkvm: exited, status 1: status 0"), result::toString);
    String xml = Files.readString(junit);
    assertTrue(xml.contains("name=\"add\"") && xml.contains("name=\"del\""), xml);
    assertEquals(1, count(xml, "<failure"), xml);
    assertFalse(xml.contains("<error"), xml);
    // The command's end is one thing, the verdict another.
    String report = Files.readString(json);
    assertTrue(report.contains("\"status\" : 0") && report.contains("\"passed\" : false"), report);
  }

  /** Whatever the command says: a kernel that has tested nothing has passed no test. */
  @Test
  void noTestOfTheKernelsIsNoPass() throws Exception {
    Path json = folder.resolve("report.json");
    JkvmProcess.Result result =
        run(CommandEndsIT.command("--kunit", "--json", json.toString(), "--", "true"));
    assertEquals(1, result.status(), result::toString);
    assertTrue(result.err().contains("CONFIG_KUNIT"), result::toString);
    assertTrue(Files.readString(json).contains("\"passed\" : false"), Files.readString(json));
  }

  /** One that can't be written takes nothing from the other, nor from the last line. */
  @Test
  void aReportThatCanNotBeWrittenLeavesTheOtherOneAsItIs() throws Exception {
    Path junit = folder.resolve("report.xml");
    JkvmProcess.Result result =
        run(
            CommandEndsIT.command(
                "--json", "/dev/full", "--junit", junit.toString(), "--", "echo", "ok 1 first"));
    assertEquals(125, result.status(), result::toString);
    String last = result.err().lines().reduce((before, line) -> line).orElseThrow();
    assertTrue(last.startsWith("jkvm: setup, status 125: "), last);
    assertTrue(last.contains("/dev/full") && last.contains("exited, status 0"), last);
    String report = Files.readString(junit);
    assertTrue(report.contains("name=\"first\"") && !report.contains("setup"), report);
  }

  /** Its reports tell of a run that came to no end. */
  @Test
  void aKilledJkvmHasWrittenDownThatItFailed() throws Exception {
    Path json = Files.writeString(folder.resolve("report.json"), "old");
    Path log = folder.resolve("k.log");
    List<String> command =
        CommandEndsIT.command(
            "--json", json.toString(), "--log", log.toString(), "--", "sleep", "100000");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      while (!Files.exists(log) || !Files.readString(log).contains("Linux version")) {
        Thread.sleep(10);
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    String report = Files.readString(json);
    assertTrue(report.contains("\"passed\" : false"), report);
    assertTrue(report.contains("\"end\" : \"setup\""), report);
  }
}
