// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that writes more than RLIMIT_FSIZE gets SIGXFSZ, which ends others than a JVM. */
class FileLimitTest {
  private static final String SCRIPT =
      "ulimit -f 8192 && exec \"$1\" -XX:-UsePerfData -cp \"$2\" \"$3\" \"$4\"";

  @TempDir Path path;

  @Test
  @Timeout(300)
  void writingTooMuchIsAnError() throws Exception {
    Process process =
        new ProcessBuilder(
                "sh",
                "-c",
                SCRIPT,
                "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                System.getProperty("java.class.path"),
                FileLimitProgram.class.getName(),
                path.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    assertEquals("", output);
  }
}
