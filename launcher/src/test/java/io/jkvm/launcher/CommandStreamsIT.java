// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a command of {@code jkvm test} writes, and all of it, wherever it goes. */
@RequiresKvm
@Guests
class CommandStreamsIT {
  private static final int BLOCKS = 8;
  private static final int BLOCK_BYTES = 1 << 20;

  /** As a shell prints them: a number before each block, every fourth one to standard error too. */
  private static final String PRINT_BLOCKS =
      "cat; i=0; while [ $i -lt %d ]; do i=$((i + 1)); echo $i; cat %s;"
          + " [ $((i %% 4)) != 0 ] || { echo $i >&2; cat %s >&2; }; done; exit 3";

  @TempDir Path folder;

  /**
   * With standard input closed, in a session without a terminal, to a reader that is slow at first.
   * One block stands for all of them: each costs its part of the boot.
   */
  @Test
  void everyByteOfBothStreamsArrives() throws Exception {
    byte[] block = new byte[BLOCK_BYTES];
    new Random(36).nextBytes(block);
    Path random = Files.write(folder.resolve("random"), block);
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    List<String> command =
        new ArrayList<>(
            List.of(
                "sh",
                "-c",
                "{ setsid -w \"$@\" <&- 2>"
                    + err
                    + "; echo $? >"
                    + folder
                    + "/status; } | { head -c 100; sleep 3; cat; } >"
                    + out,
                "sh"));
    command.addAll(
        CommandEndsIT.command(
            "--include",
            random.toString(),
            "--",
            "sh",
            "-c",
            PRINT_BLOCKS.formatted(BLOCKS, random, random)));
    JkvmProcess.Result result = JkvmProcess.run(2 * JkvmProcess.BOOT_SECONDS, command);
    String errors = Files.readString(err, ISO_8859_1);
    String lastLines = errors.substring(Math.max(0, errors.length() - 500));
    assertEquals("3\n", Files.readString(folder.resolve("status")), lastLines);
    assertEquals(0, result.status(), result::toString);
    Path expected = folder.resolve("expected");
    try (OutputStream file = Files.newOutputStream(expected)) {
      printBlocks(file, block, 1);
    }
    assertEquals(-1, Files.mismatch(expected, out), "at this byte of " + Files.size(out));
    ByteArrayOutputStream expectedErrors = new ByteArrayOutputStream();
    printBlocks(expectedErrors, block, 4);
    assertTrue(errors.contains(expectedErrors.toString(ISO_8859_1)), lastLines);
    assertTrue(errors.endsWith("\njkvm: exited, status 3: status 3\n"), lastLines);
  }

  private static void printBlocks(OutputStream to, byte[] block, int every) throws IOException {
    for (int i = every; i <= BLOCKS; i += every) {
      to.write((i + "\n").getBytes(ISO_8859_1));
      to.write(block);
    }
  }

  /** Much of them, and 1,000 variables, none of which is on the kernel's command line. */
  @Test
  void argumentsAreTheBytesThatWereGiven() throws Exception {
    String script =
        "i=0; while [ $i -lt 1000 ]; do export \"V$i=value $i\"; i=$((i + 1)); done;"
            + " long=$(head -c 102400 /dev/zero | tr '\\0' x); nl='x\ny'; raw=$(printf '\\377\\376');"
            + " set -- \"$@\" sh -c 'echo $V999; for a; do case $a in xxx*) echo ${#a};; *)"
            + " printf \"<%s>\\n\" \"$a\";; esac; done' sh 'a  b' '' -- '$HOME' \"it's\" \"$nl\" '*' \"$raw\";"
            + " for i in 1 2; do set -- \"$@\" \"$long\"; done; exec \"$@\"";
    List<String> shell = new ArrayList<>(List.of("sh", "-c", script, "sh"));
    shell.addAll(CommandEndsIT.command("--"));
    JkvmProcess.Result result = JkvmProcess.run(JkvmProcess.BOOT_SECONDS, shell);
    assertEquals(0, result.status(), result::err);
    String expected =
        "value 999\n<a  b>\n<>\n<-->\n<$HOME>\n<it's>\n<x\ny>\n<*>\n<\ufffd\ufffd>\n"
            + "102400\n".repeat(2);
    assertEquals(expected, result.out()); // decoded, so that bytes of no character are that
  }

  /**
   * Where kernels before 6.1 lose wake-ups of a port that is polled and written to at once. The
   * test bed has 20,000 lines, which take minutes where the kernel is interpreted.
   */
  @Test
  void twoProcessorsOnOneOfTheHostsLoseNoLine() throws Exception {
    int lines = Integer.getInteger("jkvm.lines", 150);
    List<String> command = new ArrayList<>(List.of("taskset", "-c", "0"));
    command.addAll(
        CommandEndsIT.command(
            "--cpus",
            "2",
            "--",
            "sh",
            "-c",
            "nproc; seq 1 " + lines + " | while read i; do echo \"line $i\"; done"));
    int kernel = command.indexOf("--kernel") + 1;
    command.set(kernel, ProjectFiles.guestImage("bzImage-smp").toString());
    JkvmProcess.Result result = JkvmProcess.run(2 * JkvmProcess.BOOT_SECONDS, command);
    assertEquals(0, result.status(), result.err());
    String expected =
        IntStream.rangeClosed(1, lines)
            .mapToObj(i -> "line " + i + "\n")
            .collect(Collectors.joining());
    assertEquals("2\n" + expected, result.out());
  }

  /**
   * A read of the terminal would stop it; in the foreground again, the command is given the keys.
   */
  @Test
  void inTheBackgroundATerminalIsNotRead() throws Exception {
    try (ShellTerminal terminal = new ShellTerminal(folder)) {
      String test = String.join(" ", CommandEndsIT.command("--", "sh", "-c"));
      terminal.start(test + " 'echo sta\"\"rted; read -r word; echo \"<$word>\"; exit 6' &");
      terminal.await("started");
      terminal.type("fg\r");
      terminal.await("read -r word");
      terminal.type("key\r");
      terminal.await("<key>");
      terminal.awaitPrompt();
      assertEquals("6", terminal.run("echo $?"));
    }
  }
}
