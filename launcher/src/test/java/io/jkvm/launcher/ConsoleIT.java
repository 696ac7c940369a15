// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pipes on the serial console. */
@RequiresKvm
@Guests
class ConsoleIT {
  /** Fills all queues, and fast: the interpreted kernel takes a write at a time, not a byte. */
  private static final String TALKATIVE =
      "initcall_debug ignore_loglevel jkvm.run=\"while dmesg; do :; done\"";

  private static final int LONG_LINE = 600;

  private static final String[] GUEST = {
    "--kernel",
    ProjectFiles.guestImage("bzImage").toString(),
    "--initrd",
    ProjectFiles.guestImage("initramfs.cpio").toString(),
    "--mem",
    "64M"
  };

  private static String[] guest(String... more) {
    List<String> args = new ArrayList<>(List.of(GUEST));
    args.addAll(List.of(more));
    return args.toArray(String[]::new);
  }

  @Test
  void whatIsPipedInReachesTheShell() throws Exception {
    try (JkvmProcess jkvm = JkvmProcess.start(guest("--cmdline", "quiet"))) {
      jkvm.awaitOutput("leave with exit");
      jkvm.send("echo answer $((6*7))\n");
      jkvm.awaitOutput("answer 42");
      // More than the queue of the serial port and one read of ours hold.
      jkvm.send("printf %s " + "x".repeat(LONG_LINE) + " | wc -c | sed s/^/length=/\n");
      jkvm.awaitOutput("length=" + LONG_LINE);
      // As docs/devices.md says: the line does not tell the guest the size of the window.
      jkvm.send("stty rows 50 cols 132; stty size | sed 's/^/size=/'\n");
      jkvm.awaitOutput("size=50 132");
      jkvm.send("grep MemTotal /proc/meminfo; echo done $((1+1))\n");
      jkvm.awaitOutput("done 2");
      jkvm.send("exit\n");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertMemTotal(result, 64L << 20);
    }
  }

  /** The tiny guest echoes what is typed, until an R. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"$@\" <typed",
        "\"$@\" <>typed", // that may be written too
        "cat typed | \"$@\"",
        "exec 3<>/dev/tcp/127.0.0.1/PORT; \"$@\" <&3",
      })
  void anyStandardInputIsTyped(String shell, @TempDir Path folder) throws Exception {
    Path typed = Files.writeString(folder.resolve("typed"), "a\u0001\u0003\r\nbR");
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        JkvmProcess jkvm = startTiny(shell.replace("PORT", "" + socket.getLocalPort()), folder)) {
      if (shell.contains("PORT")) {
        try (Socket connection = socket.accept()) {
          connection.getOutputStream().write(Files.readAllBytes(typed));
          assertEchoed(jkvm);
        }
      } else {
        assertEchoed(jkvm);
      }
    }
  }

  private static JkvmProcess startTiny(String shell, Path folder) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("bash", "-c", "cd " + folder + "; " + shell, "bash"));
    command.addAll(JkvmProcess.runCommand(tiny("--quiet", folder)));
    return JkvmProcess.start(command);
  }

  private static String[] tiny(String option, Path folder) throws Exception {
    return new String[] {option, "--mem", "64M", "--kernel", TinyKernel.write(folder).toString()};
  }

  private static void assertEchoed(JkvmProcess jkvm) throws Exception {
    JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
    assertEquals(0, result.status(), result::toString);
    assertEquals("Ka\u0001\u0003\r\nb", result.out());
  }

  /** The guest runs on: it may be a server. */
  @ParameterizedTest
  @ValueSource(strings = {"</dev/null", "<&-", "<.", "<>pipe"})
  void standardInputThatGivesNothingDoesNotEndTheGuest(String input, @TempDir Path folder)
      throws Exception {
    try (JkvmProcess jkvm = startTiny("mkfifo pipe; exec \"$@\" " + input, folder)) {
      jkvm.awaitOutput("K");
      // A script that can't be read must not look like one that has ended.
      if (input.equals("<.")) {
        jkvm.awaitError("read: EISDIR");
      }
      JkvmProcess.signal(jkvm.pid(), "TERM");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(143, result.status(), result::toString);
      assertEquals(input.equals("<."), result.err().contains("read: "), result::toString);
    }
  }

  /** The kernel keeps some for itself: up to 24 MiB and 3 %. */
  static void assertMemTotal(JkvmProcess.Result result, long memoryBytes) {
    Matcher matcher = Pattern.compile("MemTotal:\\s+(\\d+) kB").matcher(result.out());
    assertTrue(matcher.find(), result::toString);
    long total = Long.parseLong(matcher.group(1)) * 1024;
    assertTrue(total < memoryBytes, result::toString);
    assertTrue(total > memoryBytes - memoryBytes / 32 - (24 << 20), result::toString);
  }

  @Test
  void aReaderThatIsStuckDoesNotKeepTheSignalOut() throws Exception {
    try (JkvmProcess jkvm = JkvmProcess.startStuck(guest("--cmdline", TALKATIVE))) {
      jkvm.awaitIdle();
      JkvmProcess.signal(jkvm.pid(), "TERM");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(143, result.status(), result::toString);
    }
  }

  @Test
  void aReaderThatIsStuckDoesNotKeepTheTimeLimitOut() throws Exception {
    try (JkvmProcess jkvm =
        JkvmProcess.startStuck(guest("--timeout", "10s", "--cmdline", TALKATIVE))) {
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(124, result.status(), result::toString);
      assertTrue(result.err().contains("still ran after 10.0 s"), result::toString);
      assertEquals(JkvmProcess.PIPE_BYTES, jkvm.unreadBytes(), "nothing was read");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{ \"$@\"; echo status=$? >&2; } | head -n 1",
        "\"$@\" >/dev/full; echo status=$? >&2",
        "\"$@\" >&-; echo status=$? >&2",
      })
  void outputThatGoesNowhereEndsWithOneLine(String shell) throws Exception {
    List<String> command = new ArrayList<>(List.of("sh", "-c", shell, "sh"));
    command.addAll(JkvmProcess.runCommand(guest("--quiet")));
    JkvmProcess.Result result = JkvmProcess.run(JkvmProcess.BOOT_SECONDS, command);
    List<String> lines = result.err().lines().toList();
    assertEquals(2, lines.size(), result::toString);
    assertTrue(lines.get(0).contains("standard output"), result::toString);
    assertEquals("status=3", lines.get(1), result::toString);
  }

  /** As when a pager shows it. */
  @Test
  void theEndWaitsForASlowReader(@TempDir Path folder) throws Exception {
    try (JkvmProcess jkvm = JkvmProcess.startStuck(tiny("--verbose", folder))) {
      sendAndAwaitTheEnd("abcdR", jkvm);
      TimeUnit.SECONDS.sleep(2); // a second is what is waited for without a reader
      jkvm.readOutput();
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertTrue(result.out().endsWith("\0Kabcd"), "what the guest printed");
      assertTrue(result.err().endsWith("jkvm: guest reset\n"), result.err());
    }
  }

  @Test
  void outputThatNobodyReadsAfterTheEndIsSaidToBeLost(@TempDir Path folder) throws Exception {
    try (JkvmProcess jkvm = JkvmProcess.startStuck(tiny("--quiet", folder))) {
      jkvm.send("R");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(3, result.status(), result::toString);
      assertTrue(result.err().startsWith("jkvm: the end of the guest's output is lost"));
      assertEquals(1, result.err().lines().count(), result::toString);
    }
  }

  @Test
  void aSignalEndsTheWaitForTheReader(@TempDir Path folder) throws Exception {
    try (JkvmProcess jkvm = JkvmProcess.startStuck(tiny("--verbose", folder))) {
      sendAndAwaitTheEnd("R", jkvm);
      JkvmProcess.signal(jkvm.pid(), "TERM");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.STOP_SECONDS);
      assertEquals(143, result.status(), result::toString);
      assertTrue(result.err().endsWith("jkvm: guest reset\n"), result.err());
    }
  }

  /** The machine's end; the process may still have to write. */
  private static void sendAndAwaitTheEnd(String typed, JkvmProcess jkvm) throws Exception {
    jkvm.awaitError("the guest runs");
    jkvm.send(typed);
    while (hasMachine(jkvm)) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  private static boolean hasMachine(JkvmProcess jkvm) throws IOException {
    Path descriptors = Path.of("/proc/" + jkvm.pid() + "/fd");
    try (DirectoryStream<Path> all = Files.newDirectoryStream(descriptors)) {
      for (Path fd : all) {
        try {
          if (Files.readSymbolicLink(fd).toString().contains("kvm-vm")) {
            return true;
          }
        } catch (NoSuchFileException e) {
          // Closed since.
        }
      }
      return false;
    }
  }
}
