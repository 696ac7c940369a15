// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.testing.TestOutcome;
import java.io.IOException;
import java.io.OutputStream;

/** What is said, last of all, of how a command in a guest ended; and before that the evidence. */
public final class LastLine {
  private LastLine() {}

  /** The line, without the program's name in front. */
  public static String of(EndClass end, int status, String detail) {
    return end.word() + ", status " + status + ": " + detail;
  }

  /** That of an end which was none of a guest's. */
  public static String setup(String why) {
    return of(EndClass.SETUP, TestOutcome.SETUP, why);
  }

  /** The end, with what the host says, at the close of a stream, that it has lost of the output. */
  static TestOutcome withLossOf(OutputStream out, TestOutcome outcome) {
    try {
      out.close();
      return outcome;
    } catch (IOException e) {
      return outcome.withLoss(e.getMessage());
    }
  }

  /**
   * What the kernel said last where the end is not the command's own, and what the host could not
   * do.
   *
   * @param logIsShown whether the kernel's log is on standard error already
   */
  static void evidence(Reporter reporter, TestOutcome outcome, boolean logIsShown) {
    if (!outcome.end().isVerdictOfCommand() && !logIsShown) {
      outcome.lastLines().forEach(reporter::quote);
    }
    outcome.failures().forEach(failure -> reporter.error(Advice.line(failure)));
  }
}
