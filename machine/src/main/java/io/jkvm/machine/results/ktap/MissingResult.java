// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.Verdict;

/**
 * Why tests stay without a result, and so what became of the first of them, which was running.
 *
 * @param verdict of the test that ran; those behind it were not run
 * @param reason one line
 */
record MissingResult(Verdict verdict, String reason) {
  /** An inner suite was running: no test beside it was. */
  static final MissingResult NOT_RUN = new MissingResult(Verdict.NOT_RUN, "");

  /** The output went on without the result. */
  static final MissingResult LOST = new MissingResult(Verdict.ERROR, "no result");

  /** The end of the output. */
  static MissingResult of(EndClass end) {
    return switch (end) {
      case EXITED, SIGNAL -> new MissingResult(Verdict.ERROR, "no result before the command ended");
      case LIMIT -> new MissingResult(Verdict.TIMEOUT, "the run's time limit ended it");
      default -> new MissingResult(Verdict.ERROR, "the run ended while it ran: " + end.word());
    };
  }

  /** The result of the suite that a test is in. */
  static MissingResult of(Verdict suite, String reason) {
    return switch (suite) {
      case SKIP -> new MissingResult(Verdict.NOT_RUN, reason);
      case TIMEOUT -> new MissingResult(Verdict.TIMEOUT, reason);
      default -> LOST;
    };
  }

  static MissingResult bailOut(String reason) {
    return new MissingResult(Verdict.ERROR, reason.isEmpty() ? "bail out" : "bail out: " + reason);
  }
}
