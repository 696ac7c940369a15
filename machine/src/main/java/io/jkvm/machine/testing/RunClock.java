// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/** How long a run may still take, and how long it has been silent. For any thread. */
final class RunClock {
  private static final long NEVER_LOOK_LATER_NANOSECONDS = 60_000_000_000L;

  private final LongSupplier time;
  private final long startNanos;
  private final Optional<Duration> stall;
  private final Optional<Duration> asked;

  // Guarded by this.
  private long limitNanos;
  private long touchedNanos;
  private int holds;

  RunClock(Optional<Duration> limit, Optional<Duration> stall) {
    this(limit, stall, System::nanoTime);
  }

  /**
   * A clock of another time.
   *
   * @param time nanoseconds since whenever, which never go back
   */
  RunClock(Optional<Duration> limit, Optional<Duration> stall, LongSupplier time) {
    this.time = time;
    this.stall = stall;
    asked = limit;
    limitNanos = limit.map(Duration::toNanos).orElse(Long.MAX_VALUE);
    startNanos = time.getAsLong();
    touchedNanos = startNanos;
  }

  /** Something came from the guest. */
  synchronized void touch() {
    touchedNanos = time.getAsLong();
  }

  /**
   * Something that came from the guest waits for a reader on the host, which may take its time:
   * until {@link #release} silence is not counted. May be called several times, as often as that.
   */
  synchronized void hold() {
    holds++;
  }

  /** The reader has taken it, which counts as if it came now. */
  synchronized void release() {
    holds--;
    touch();
  }

  /** The guest could say nothing for so long, as the host stood still: that is no silence. */
  synchronized void excuse(Duration pause) {
    long now = time.getAsLong();
    touchedNanos = now - Math.max(0, now - touchedNanos - pause.toNanos());
  }

  /** From now on it may take this long at most, if it was not less. */
  synchronized void shorten(Duration left) {
    long limit = time.getAsLong() - startNanos + left.toNanos();
    limitNanos = Math.min(limitNanos, limit);
  }

  synchronized boolean isOver() {
    return time.getAsLong() - startNanos >= limitNanos;
  }

  /** Whether the time that was asked for is over, whatever it was shortened to. */
  synchronized boolean isAskedOver() {
    return asked.isPresent() && time.getAsLong() - startNanos >= asked.get().toNanos();
  }

  synchronized boolean isStalled() {
    return stall.isPresent()
        && holds == 0
        && time.getAsLong() - touchedNanos >= stall.get().toNanos();
  }

  /** Until one of the two is over; a minute at most. */
  synchronized long millisecondsLeft() {
    long now = time.getAsLong();
    long left = NEVER_LOOK_LATER_NANOSECONDS;
    if (limitNanos != Long.MAX_VALUE) {
      left = Math.min(left, limitNanos - (now - startNanos));
    }
    if (stall.isPresent() && holds == 0) {
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
