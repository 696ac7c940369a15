// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

/**
 * How long those who send to several peers may wait for slow ones, all waits together: a share of
 * the time, a part of which may be saved. So that no number of peers, however they read, can hold
 * up the others for longer. For any thread.
 */
final class WaitBudget {
  /** One part in so many of the time may be spent waiting. */
  private static final int SHARE = 20;

  private final long mostNanos;
  private long leftNanos;
  private long asOf = System.nanoTime();

  /**
   * As much as can be saved.
   *
   * @param mostMilliseconds the longest wait
   */
  WaitBudget(int mostMilliseconds) {
    mostNanos = mostMilliseconds * 1_000_000L;
    leftNanos = mostNanos;
  }

  /** How long somebody may wait now. */
  synchronized long leftMilliseconds() {
    long now = System.nanoTime();
    leftNanos = Math.min(mostNanos, leftNanos + (now - asOf) / SHARE);
    asOf = now;
    return Math.max(0, leftNanos / 1_000_000);
  }

  /** Somebody has waited. */
  synchronized void spend(long nanos) {
    leftNanos -= nanos;
  }
}
