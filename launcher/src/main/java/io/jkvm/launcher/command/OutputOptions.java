// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.report.Reporter;
import java.io.PrintWriter;
import picocli.CommandLine.Option;

/** How much jkvm itself says. */
final class OutputOptions {
  @Option(
      names = {"-q", "--quiet"},
      description = "Print no messages of jkvm but errors.")
  private boolean quiet;

  @Option(
      names = {"-v", "--verbose"},
      description = "Print each step with its time, and stack traces with errors.")
  private boolean verbose;

  boolean isVerbose() {
    return verbose;
  }

  Reporter reporter(PrintWriter err) {
    return new Reporter(err, quiet, verbose);
  }
}
