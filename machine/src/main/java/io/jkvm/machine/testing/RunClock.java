// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import java.time.Duration;
import java.util.Optional;

/** How long a run may still take, and how long it has been silent. For any thread. */
final class RunClock {
  private static final long NEVER_LOOK_LATER_NANOSECONDS = 60_000_000_000L;

  private final long startNanos = System.nanoTime();
  private final Optional<Duration> stall;
  private final Optional<Duration> asked;

  // Guarded by this.
  private long limitNanos;
  private long touchedNanos = startNanos;

  RunClock(Optional<Duration> limit, Optional<Duration> stall) {
    this.stall = stall;
    asked = limit;
    limitNanos = limit.map(Duration::toNanos).orElse(Long.MAX_VALUE);
  }

  /** Something came from the guest. */
  synchronized void touch() {
    touchedNanos = System.nanoTime();
  }

  /** From now on it may take this long at most, if it was not less. */
  synchronized void shorten(Duration left) {
    long limit = System.nanoTime() - startNanos + left.toNanos();
    limitNanos = Math.min(limitNanos, limit);
  }

  synchronized boolean isOver() {
    return System.nanoTime() - startNanos >= limitNanos;
  }

  synchronized boolean isStalled() {
    return stall.isPresent() && System.nanoTime() - touchedNanos >= stall.get().toNanos();
  }

  /** Until one of the two is over; a minute at most. */
  synchronized long millisecondsLeft() {
    long now = System.nanoTime();
    long left = NEVER_LOOK_LATER_NANOSECONDS;
    if (limitNanos != Long.MAX_VALUE) {
      left = Math.min(left, limitNanos - (now - startNanos));
    }
    if (stall.isPresent()) {
      left = Math.min(left, stall.get().toNanos() - (now - touchedNanos));
    }
    return (left + 999_999) / 1_000_000;
  }

  String limitText() {
    return text(asked);
  }

  String stallText() {
    return text(stall);
  }

  private static String text(Optional<Duration> time) {
    return time.map(t -> t.toMillis() / 1000.0 + " s").orElse("the time that was left");
  }
}
