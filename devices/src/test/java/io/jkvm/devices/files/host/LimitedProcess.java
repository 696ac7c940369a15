// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;

/** A JVM of its own for a program of the tests, with a limit of the shell's {@code ulimit}. */
final class LimitedProcess {
  private LimitedProcess() {}

  /**
   * Runs a program, which must end well and say nothing.
   *
   * @param limit options of ulimit
   * @param argument of the program
   */
  static void assertRuns(String limit, Class<?> program, Path argument)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                "sh",
                "-c",
                "ulimit " + limit + " && exec \"$@\"",
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName(),
                argument.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    assertEquals("", output);
  }
}
