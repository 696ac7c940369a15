// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * How much worse than perfect a link is made, in each direction on its own.
 *
 * @param bitsPerSecond the most that passes, more than 0; empty for no limit
 * @param loss the share of frames that are lost, 0 to 1
 * @param delay how long each frame is held, to 10 s
 * @param seed decides which frames are lost; empty for other ones each time
 */
public record LinkSpec(OptionalLong bitsPerSecond, double loss, Duration delay, OptionalLong seed) {
  private static final Duration MAX_DELAY = Duration.ofSeconds(10);

  /** Nothing is lost or held up. */
  public static final LinkSpec PERFECT =
      new LinkSpec(OptionalLong.empty(), 0, Duration.ZERO, OptionalLong.empty());

  /**
   * Checks that it is whole, and the ranges.
   *
   * @throws MachineException with {@link Problem#INCOMPLETE} or {@link Problem#LINK}
   */
  public LinkSpec {
    SpecChecks.whole(bitsPerSecond, "the rate of a link");
    SpecChecks.whole(delay, "the delay of a link");
    SpecChecks.whole(seed, "the seed of a link");
    check(bitsPerSecond.orElse(1) > 0, "a rate of no bits per second lets nothing through");
    check(loss >= 0 && loss <= 1, "a loss of " + loss + " is not a share from 0 to 1");
    check(
        !delay.isNegative() && delay.compareTo(MAX_DELAY) <= 0,
        "a delay of " + seconds(delay) + " s is not one from 0 to 10 s");
  }

  /** Unlike {@link Duration#toMillis}, for each that there is. */
  private static String seconds(Duration time) {
    return BigDecimal.valueOf(time.getSeconds())
        .add(BigDecimal.valueOf(time.getNano(), 9))
        .stripTrailingZeros()
        .toPlainString();
  }

  private static void check(boolean holds, String facts) {
    if (!holds) {
      throw new MachineException(Problem.LINK, facts);
    }
  }

  /** Whether the network is left as it is. */
  public boolean isPerfect() {
    return bitsPerSecond.isEmpty() && loss == 0 && delay.isZero();
  }
}
