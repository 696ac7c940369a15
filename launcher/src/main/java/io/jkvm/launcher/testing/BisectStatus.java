// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.RunReport;
import io.jkvm.machine.results.Verdict;
import java.util.List;

/** Exit statuses for {@code git bisect run}, which stops the bisection at 128 and more. */
final class BisectStatus {
  private static final int GOOD = 0;
  private static final int BAD = 1;
  private static final int SKIP = 125;

  private BisectStatus() {}

  /**
   * The status for git: bad if one of the runs failed, else to be skipped if one could not be done.
   *
   * @param commandsStarted whether the kernel came as far as the command, in each run
   * @param skipBoot whether one that did not is to be skipped
   */
  static int of(List<RunReport> runs, boolean commandsStarted, boolean skipBoot) {
    boolean undone =
        runs.isEmpty()
            || runs.stream()
                .anyMatch(run -> run.end() == EndClass.SETUP || run.end() == EndClass.INTERRUPTED);
    if (undone || skipBoot && !commandsStarted) {
      return SKIP;
    }
    boolean passed =
        runs.stream()
            .allMatch(run -> run.verdict() == Verdict.PASS || run.verdict() == Verdict.SKIP);
    return passed ? GOOD : BAD;
  }
}
