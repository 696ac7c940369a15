// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import java.time.Duration;

/** What users give as time limits. */
final class Durations {
  private Durations() {}

  /** A duration in nanoseconds; one of more than 292 years is that long. */
  static long nanoseconds(Duration timeout) {
    try {
      return timeout.toNanos();
    } catch (ArithmeticException e) {
      return timeout.isNegative() ? 0 : Long.MAX_VALUE;
    }
  }
}
