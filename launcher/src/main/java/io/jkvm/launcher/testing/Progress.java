// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.launcher.report.Reporter;
import io.jkvm.machine.HostTerminal;
import io.jkvm.machine.results.PrintableText;
import io.jkvm.machine.results.RunReport;

/** How far many runs have come: a line that changes on a terminal, else one for each failure. */
final class Progress {
  private static final int BAR_WIDTH = 30;
  private static final int STANDARD_ERROR = 2;

  private final Reporter reporter;
  private final int total;
  private final boolean bar = HostTerminal.isTerminal(STANDARD_ERROR);

  // Guarded by this.
  private int passed;
  private int failed;

  Progress(Reporter reporter, int total) {
    this.reporter = reporter;
    this.total = total;
    show();
  }

  /** A run has ended. */
  synchronized void finished(RunReport report, boolean well, String output) {
    if (well) {
      passed++;
    } else {
      failed++;
      clear();
      PrintableText.lines(output).forEach(reporter::quote);
      long bad = report.leaves().stream().filter(leaf -> leaf.test().verdict().isBad()).count();
      String tests = bad == 0 ? "" : "; tests that did not pass: " + bad;
      reporter.note(report.label() + ": " + report.endLine() + tests);
    }
    show();
  }

  synchronized void end() {
    clear();
  }

  private void clear() {
    if (bar) {
      reporter.transientLine("");
    }
  }

  private void show() {
    if (!bar) {
      return;
    }
    int done = passed + failed;
    int filled = BAR_WIDTH * done / total;
    reporter.transientLine(
        "["
            + "#".repeat(filled)
            + ".".repeat(BAR_WIDTH - filled)
            + "] "
            + done
            + "/"
            + total
            + ", "
            + failed
            + " failed");
  }
}
