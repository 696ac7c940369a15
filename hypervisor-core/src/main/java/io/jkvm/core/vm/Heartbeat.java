// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

/**
 * Shows a vCPU's thread that its process has stood still for seconds: stopped by a signal (SIGSTOP;
 * Ctrl-Z of a program that does not handle it), frozen, or without a processor. The guest's clocks
 * run on meanwhile.
 *
 * <p>One thread beats once a second. Afterwards it may come to run before or after a vCPU's thread,
 * so a listener looks both at the time since the last beat and at the beats that came too late.
 * KVM_RUN's EINTR is no measure: a stop may fall into the handling of an exit, or into a pause.
 *
 * <p>Times are those of {@link System#nanoTime}.
 */
final class Heartbeat {
  /** A beat a second, and one more second for a thread that did not get a processor at once. */
  static final long LATE_NANOSECONDS = 2_000_000_000;

  // Both written by the beating thread alone, once it has begun.
  private volatile long last;
  private volatile int lateBeats;

  Heartbeat(long now) {
    last = now;
  }

  /** The first beat, however long after the construction. */
  void begin(long now) {
    last = now;
  }

  /**
   * A beat.
   *
   * @return whether it came late
   */
  boolean beat(long now) {
    boolean late = now - last > LATE_NANOSECONDS;
    if (late) {
      lateBeats = lateBeats + 1;
    }
    last = now;
    return late;
  }

  /** For one thread. */
  Listener listener() {
    return new Listener();
  }

  /** What one thread has noticed. */
  final class Listener {
    private int seen = lateBeats;
    private long noticed = last;

    /** Whether the process has stood still since the last look. */
    boolean missed(long now) {
      int late = lateBeats;
      if (late == seen && (now - last <= LATE_NANOSECONDS || now - noticed <= LATE_NANOSECONDS)) {
        return false;
      }
      seen = late;
      noticed = now;
      return true;
    }
  }
}
