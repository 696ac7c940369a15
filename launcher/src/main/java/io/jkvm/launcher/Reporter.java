// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.io.PrintWriter;

/** What jkvm itself says to its user, on standard error, each line with its name in front. */
final class Reporter {
  private final PrintWriter err;
  private final boolean quiet;
  private final boolean verbose;
  private final long startNanos = System.nanoTime();

  Reporter(PrintWriter err, boolean quiet, boolean verbose) {
    this.err = err;
    this.quiet = quiet;
    this.verbose = verbose;
  }

  /** Something the user should know. */
  void note(String text) {
    if (!quiet) {
      err.println("jkvm: " + text);
    }
  }

  /** A step, with the time since the command began; shown with {@code --verbose} only. */
  void step(String text) {
    if (verbose) {
      err.printf("jkvm: [%5d ms] %s%n", (System.nanoTime() - startNanos) / 1_000_000, text);
    }
  }

  /** Something that ended the machine other than well; shown always. */
  void error(String text) {
    err.println("jkvm: " + text);
  }

  /** What the user asked to see. */
  void help(String text) {
    err.print("\n" + text);
    err.flush();
  }
}
