// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import java.time.Duration;
import java.util.function.LongSupplier;

/** A time that passes when a test says so. It begins where a sum of nanoseconds overflows soon. */
final class FakeTime implements LongSupplier {
  private long nanos = Long.MAX_VALUE - 1000;

  void pass(Duration time) {
    nanos += time.toNanos();
  }

  void passSeconds(double seconds) {
    pass(Duration.ofNanos(Math.round(seconds * 1e9)));
  }

  @Override
  public long getAsLong() {
    return nanos;
  }
}
