// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import java.io.PrintWriter;

/** What jkvm itself says to its user, on standard error, each line with its name in front. */
public final class Reporter {
  private final PrintWriter err;
  private final boolean quiet;
  private final boolean verbose;
  private final long startNanos = System.nanoTime();

  /**
   * A reporter.
   *
   * @param quiet nothing but errors
   * @param verbose steps too
   */
  public Reporter(PrintWriter err, boolean quiet, boolean verbose) {
    this.err = err;
    this.quiet = quiet;
    this.verbose = verbose;
  }

  /** Something the user should know. */
  public void note(String text) {
    if (!quiet) {
      err.println("jkvm: " + text);
    }
  }

  /** A step, with the time since the command began; shown with {@code --verbose} only. */
  public void step(String text) {
    if (verbose) {
      err.printf("jkvm: [%5d ms] %s%n", (System.nanoTime() - startNanos) / 1_000_000, text);
    }
  }

  /** Something that ended the machine other than well; shown always. */
  public void error(String text) {
    err.println("jkvm: " + text);
  }

  /** A line of the guest's or of a log's, as evidence; shown like an error. */
  public void quote(String line) {
    err.println("  | " + line);
  }

  /** A line of what was found out. */
  public void result(String line) {
    err.println(line);
  }

  /** A line that the next one of its kind takes the place of; only for a terminal. */
  public void transientLine(String text) {
    if (!quiet) {
      err.print("\r\033[K" + text);
      err.flush();
    }
  }

  /** What the user asked to see. */
  public void help(String text) {
    err.print("\n" + text);
    err.flush();
  }
}
