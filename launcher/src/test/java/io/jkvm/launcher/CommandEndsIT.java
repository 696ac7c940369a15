// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code jkvm test} with a real kernel: every class of end, with its status. */
@RequiresKvm
@Guests
class CommandEndsIT {
  private static final String CRASH = "/sys/kernel/debug/provoke-crash/DIRECT";

  /** A guest under load. */
  private static final String BUSY =
      "for i in 1 2 3 4 5 6 7 8 9 10; do while :; do :; done & done; ";

  @TempDir Path folder;

  /** Of a small guest, with the root that is up soonest unless another one is given. */
  static List<String> command(String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                JkvmProcess.binary().toString(),
                "test",
                "--kernel",
                ProjectFiles.guestImage("bzImage").toString()));
    List<String> given = List.of(arguments);
    if (!given.contains("--mem")) {
      command.addAll(List.of("--mem", "64M"));
    }
    if (!given.contains("--root")) {
      command.addAll(List.of("--root", "initramfs"));
    }
    command.addAll(given);
    return command;
  }

  private static JkvmProcess.Result test(String... arguments)
      throws IOException, InterruptedException {
    return JkvmProcess.run(JkvmProcess.BOOT_SECONDS, command(arguments));
  }

  private static String lastLine(JkvmProcess.Result result) {
    List<String> lines = result.err().lines().toList();
    assertFalse(lines.isEmpty(), result::toString);
    return lines.get(lines.size() - 1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "42  | exited        | echo Kernel panic - not syncing: no; exit 42",
        "139 | signal        | kill -SEGV $$",
        "201 | panic         | echo c >/proc/sysrq-trigger",
        "201 | panic         | " + BUSY + "dmesg -n 1; echo c >/proc/sysrq-trigger",
        "202 | oops          | echo BUG >" + CRASH + "; sleep 1; exit 0",
        "205 | out-of-memory | tail /dev/zero",
        "206 | gone          | reboot -f",
        "206 | gone          | poweroff -f",
        "206 | gone          | echo b >/proc/sysrq-trigger",
      })
  @Guests
  void eachEndHasItsClassAndStatus(int status, String word, String script) throws Exception {
    JkvmProcess.Result result = test("--", "sh", "-c", script);
    assertEquals(status, result.status(), result::toString);
    assertTrue(
        lastLine(result).startsWith("jkvm: " + word + ", status " + status), result::toString);
    boolean isShown = result.err().lines().anyMatch(line -> line.matches("  \\| .*Kernel panic.*"));
    assertEquals(status == 201, isShown, result::toString);
  }

  @Test
  @Guests
  void aLogThatCanNotBeWrittenIsSetup() throws Exception {
    JkvmProcess.Result result = test("--log", "/dev/full", "--verbose", "--", "true");
    assertEquals(125, result.status(), result::toString);
    String last = lastLine(result);
    assertTrue(last.startsWith("jkvm: setup, status 125: "), result::toString);
    assertTrue(last.endsWith("the command: status 0"), result::toString);
    assertTrue(result.err().contains("Linux version"), "the log, by --verbose");
  }

  /** To a reader that begins when the guest is gone: all that the queues in between may have. */
  @Test
  @Guests
  void whatItHadPrintedBeforeAPanicIsNotLost() throws Exception {
    Path json = folder.resolve("report.json");
    Path log = folder.resolve("k.log");
    Path status = folder.resolve("status");
    // The agent has time to take what is in the pipe: what it has not seen dies with the guest.
    String script =
        "seq 1 50000; echo 1..1; echo ok 1 early; sleep 20; echo c >/proc/sysrq-trigger; sleep 9";
    String reader = "until grep -q 'Kernel panic' " + log + "; do sleep 1; done 2>&-; cat";
    List<String> shell =
        new ArrayList<>(
            List.of(
                "sh", "-c", "{ \"$@\"; echo $? >" + status + "; } | { " + reader + "; }", "sh"));
    shell.addAll(
        command("--log", log.toString(), "--json", json.toString(), "--", "sh", "-c", script));
    JkvmProcess.Result result = JkvmProcess.run(2 * JkvmProcess.BOOT_SECONDS, shell);
    assertEquals("201\n", Files.readString(status), result::err);
    assertTrue(lastLine(result).startsWith("jkvm: panic, status 201"), result::err);
    List<String> lines = result.out().lines().toList();
    assertEquals(50_002, lines.size(), result::err);
    assertEquals("50000", lines.get(49_999));
    assertTrue(Files.readString(json).contains("\"early\""), "the parser of results, too");
  }

  @Test
  @Guests
  void silenceAndTimeHaveTheirLimits() throws Exception {
    JkvmProcess.Result stalled = test("--stall", "30s", "--", "sleep", "100000");
    assertEquals(204, stalled.status(), stalled::toString);
    assertTrue(lastLine(stalled).startsWith("jkvm: stall"), stalled::toString);
    // Whether the boot or the command is cut depends on the machine; either is a limit.
    JkvmProcess.Result limited =
        test("--timeout", "20s", "--", "sh", "-c", "while :; do echo on; sleep 1; done");
    assertEquals(124, limited.status(), limited::toString);
    assertTrue(lastLine(limited).startsWith("jkvm: limit, status 124"), limited::toString);
  }

  /** Where a wait for the agent with a limit of its own would end a guest that is well. */
  @Test
  @Guests
  void aLoadOfFiftyIsNoFailure() throws Exception {
    String busy =
        "busy=; for i in $(seq 50); do nice -n 19 sh -c 'while :; do :; done' & busy=\"$busy $!\";"
            + " done; \"$@\"; status=$?; kill $busy; exit $status";
    List<String> loaded = new ArrayList<>(List.of("timeout", "1100", "sh", "-c", busy, "sh"));
    loaded.addAll(List.of("taskset", "-c", "0"));
    loaded.addAll(command("--cpus", "2", "--", "sh", "-c", "exit $((40 + $(nproc)))"));
    int kernel = loaded.indexOf("--kernel") + 1;
    loaded.set(kernel, ProjectFiles.guestImage("bzImage-smp").toString());
    JkvmProcess.Result result = JkvmProcess.run(2 * JkvmProcess.BOOT_SECONDS, loaded);
    assertEquals(42, result.status(), result::toString);
    assertTrue(lastLine(result).startsWith("jkvm: exited, status 42"), result::toString);
  }

  @Test
  @Guests
  void aLockupIsReportedByTheKernel() throws Exception {
    JkvmProcess.Result result =
        test("--cmdline", "watchdog_thresh=2", "--", "sh", "-c", "echo SOFTLOCKUP >" + CRASH);
    assertEquals(203, result.status(), result::toString);
    assertTrue(lastLine(result).startsWith("jkvm: lockup"), result::toString);
  }

  @Test
  @Guests
  void whatCanNotRunIsSetup() throws Exception {
    JkvmProcess.Result absent = test("--", "nosuch");
    assertEquals(127, absent.status(), absent::toString);
    assertTrue(lastLine(absent).contains("setup, status 127"), absent::toString);
    assertEquals(1, absent.err().lines().count(), "the kernel had no part: " + absent);
    JkvmProcess.Result directory = test("--", "/etc");
    assertEquals(126, directory.status(), directory::toString);
    JkvmProcess.Result user = test("--user", "nosuch", "--", "true");
    assertEquals(125, user.status(), user::toString);
    assertTrue(lastLine(user).contains("nosuch"), user::toString);
    List<String> closed = new ArrayList<>(List.of("sh", "-c", "\"$@\" >&-", "sh"));
    closed.addAll(command("--", "true"));
    JkvmProcess.Result early = JkvmProcess.run(JkvmProcess.STOP_SECONDS, closed);
    assertEquals(125, early.status(), early::toString);
    assertTrue(lastLine(early).startsWith("jkvm: setup, status 125: "), early::toString);
  }

  @Test
  @Guests
  void aWarningFailsWhereThatIsAskedFor() throws Exception {
    Path log = folder.resolve("k.log");
    Path junit = folder.resolve("report.xml");
    Path json = folder.resolve("report.json");
    JkvmProcess.Result result =
        test(
            "--fail-on",
            "warning",
            "--log",
            log.toString(),
            "--junit",
            junit.toString(),
            "--json",
            json.toString(),
            "--",
            "sh",
            "-c",
            "echo WARNING >" + CRASH + "; echo 1..1; echo ok 1 first");
    assertEquals(202, result.status(), result::toString);
    assertTrue(lastLine(result).contains("oops, status 202: WARNING: "), result::toString);
    assertTrue(lastLine(result).contains("of " + log), result::toString);
    assertEquals("1..1\nok 1 first\n", result.out());
    assertTrue(Files.readString(log).contains("Linux version"));
    assertTrue(Files.readString(junit).contains("name=\"first\""), Files.readString(junit));
    assertTrue(Files.readString(json).contains("\"oops\""), Files.readString(json));
  }

  /** An oops turns the console's level up by itself, a warning does not. */
  @Test
  @Guests
  void aWarningThatTheLogDoesNotShowIsAFailureAllTheSame() throws Exception {
    Path json = folder.resolve("report.json");
    JkvmProcess.Result result =
        test(
            "--fail-on",
            "warning",
            "--json",
            json.toString(),
            "--",
            "sh",
            "-c",
            "dmesg -n 1; echo WARNING >" + CRASH);
    assertEquals(202, result.status(), result::toString);
    assertTrue(lastLine(result).contains("as its taint says (W)"), result::toString);
    String report = Files.readString(json);
    assertTrue(report.contains("\"taint\" : \"W\""), report);
    assertTrue(report.contains("\"kernelReports\" : [ ]"), report);
  }

  @Test
  @Guests
  void standardStreamsAreTheCommands() throws Exception {
    List<String> shell = new ArrayList<>(List.of("sh", "-c"));
    String quoted =
        String.join(" ", command("--quiet", "--", "sh", "-c", "'cat; echo err >&2; exit 5'"));
    // What the command has not read is left for who reads next, but for what was on its way.
    shell.add(
        "echo hi | "
            + quoted
            + "; echo status $?; seq 1 1000000 | { "
            + quoted.replace("cat;", "head -n 1;")
            + "; echo status $?; tail -n 1; }");
    JkvmProcess.Result result = JkvmProcess.run(2 * JkvmProcess.BOOT_SECONDS, shell);
    assertEquals("hi\nstatus 5\n1\nstatus 5\n1000000\n", result.out(), result::toString);
  }

  /** With an input that is open for ever and gives nothing. */
  @Test
  @Guests
  void aReaderThatLeavesEndsTheCommand() throws Exception {
    String quoted = String.join(" ", command("--", "yes"));
    String silent = folder.resolve("silent").toString();
    JkvmProcess.Result result =
        JkvmProcess.run(
            JkvmProcess.BOOT_SECONDS,
            List.of(
                "sh", "-c", "mkfifo " + silent + "; " + quoted + " <>" + silent + " | head -n 1"));
    assertEquals("y\n", result.out());
    assertTrue(lastLine(result).startsWith("jkvm: signal, status 141"), result::toString);
  }

  @Test
  @Guests
  void whatTheKernelLacksIsNamed() throws Exception {
    Path kernel = Files.copy(ProjectFiles.guestImage("bzImage"), folder.resolve("bzImage"));
    Files.writeString(folder.resolve(".config"), "CONFIG_64BIT=y\nCONFIG_TTY=y\n");
    List<String> command = command("--", "true");
    command.set(3, kernel.toString());
    JkvmProcess.Result result = JkvmProcess.run(JkvmProcess.BOOT_SECONDS, command);
    assertEquals(125, result.status(), result::toString);
    assertTrue(lastLine(result).contains("CONFIG_VIRTIO_CONSOLE"), result::toString);
  }
}
