// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import java.util.function.LongSupplier;

/**
 * How long those who send to several peers may wait for slow ones, all waits together: a share of
 * the time, a part of which may be saved. So that no number of peers, however they read, can hold
 * up the others for longer. For any thread.
 */
final class WaitBudget {
  /** One part in so many of the time may be spent waiting. */
  private static final int SHARE = 20;

  private final LongSupplier clock;
  private final long mostNanos;
  private long leftNanos;
  private long asOf;

  /**
   * As much as can be saved.
   *
   * @param mostMilliseconds the longest wait
   */
  WaitBudget(int mostMilliseconds) {
    this(mostMilliseconds, System::nanoTime);
  }

  /** By another clock, in nanoseconds. */
  WaitBudget(int mostMilliseconds, LongSupplier clock) {
    this.clock = clock;
    asOf = clock.getAsLong();
    mostNanos = mostMilliseconds * 1_000_000L;
    leftNanos = mostNanos;
  }

  /** How long somebody may wait now. */
  synchronized long leftMilliseconds() {
    long now = clock.getAsLong();
    leftNanos = Math.min(mostNanos, leftNanos + (now - asOf) / SHARE);
    asOf = now;
    return Math.max(0, leftNanos / 1_000_000);
  }

  /** Somebody has waited. */
  synchronized void spend(long nanos) {
    leftNanos -= nanos;
  }
}
