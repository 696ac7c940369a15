// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** A program that is run for its output. */
public final class Command {
  private static final int MAX_MINUTES = 20;

  private Command() {}

  /**
   * Runs it to its end.
   *
   * @return standard output and standard error, as they came
   * @throws IOException if it can't be started, fails or hangs; the message has the end of what it
   *     said
   */
  public static String run(String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"))
            .start();
    Thread limit = new Thread(() -> endLate(process), "command-limit");
    limit.setDaemon(true);
    limit.start();
    try {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int status = process.waitFor();
      if (status != 0) {
        throw new IOException(
            String.join(" ", command) + " ended with " + status + ": " + tail(output));
      }
      return output;
    } finally {
      process.destroyForcibly();
      limit.interrupt();
    }
  }

  private static void endLate(Process process) {
    try {
      if (!process.waitFor(MAX_MINUTES, TimeUnit.MINUTES)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      // It ended in time.
    }
  }

  /** The last few lines. */
  static String tail(String output) {
    String text = output.strip();
    int from = Math.max(0, text.length() - 600);
    return text.substring(from);
  }
}
