// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.testing.TestOutcome;

/** Exit statuses for {@code git bisect run}, which stops the bisection at 128 and more. */
public final class BisectStatus {
  private static final int GOOD = 0;
  private static final int BAD = 1;
  private static final int SKIP = 125;

  private BisectStatus() {}

  /**
   * The status for git.
   *
   * @param status of the runs
   * @param commandStarted whether the kernel came as far as the command, in each run
   * @param skipBoot whether one that did not is to be skipped
   */
  public static int of(int status, boolean commandStarted, boolean skipBoot) {
    if (status == 0) {
      return GOOD;
    }
    if (status == TestOutcome.SETUP || status == TestOutcome.INTERRUPTED) {
      return SKIP;
    }
    return skipBoot && !commandStarted ? SKIP : BAD;
  }
}
