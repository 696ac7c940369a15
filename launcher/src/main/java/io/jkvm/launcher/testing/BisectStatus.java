// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.results.EndClass;
import java.util.List;

/** Exit statuses for {@code git bisect run}, which stops the bisection at 128 and more. */
final class BisectStatus {
  private static final int GOOD = 0;
  private static final int BAD = 1;
  private static final int SKIP = 125;

  private BisectStatus() {}

  /**
   * The status for git: bad if one of the runs failed, else to be skipped if one could not be done,
   * or there is none.
   *
   * @param skipBoot whether a run whose kernel did not come as far as the command says nothing
   */
  static int of(List<DoneRun> runs, boolean skipBoot) {
    List<DoneRun> others = runs.stream().filter(run -> !run.passed()).toList();
    if (others.stream().anyMatch(run -> !saysNothing(run, skipBoot))) {
      return BAD;
    }
    return runs.isEmpty() || !others.isEmpty() ? SKIP : GOOD;
  }

  private static boolean saysNothing(DoneRun run, boolean skipBoot) {
    EndClass end = run.report().end();
    return end == EndClass.SETUP
        || end == EndClass.INTERRUPTED
        || skipBoot && !run.commandStarted();
  }
}
