// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.linux.RunnableThreads;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * For how long a queue's thread goes on looking for work before it sleeps: longer as long as work
 * comes soon, not at all while it does not. To be woken costs more than a short look, on both
 * sides: the driver need not leave the guest to notify a device that looks.
 *
 * <p>Looking costs a processor, so it is left where others want it: while more threads of the host
 * want to run than it has processors, and for a while after the thread was off its processor in the
 * middle of a look. Nothing is looked for without work before it, so an idle machine burns nothing.
 *
 * <p>Used by one thread; allocates nothing.
 */
public final class AdaptivePoll {
  /** The longest look. */
  static final long MAX_NANOSECONDS = 50_000;

  private static final long MIN_NANOSECONDS = 4_000;

  /** Between two glances there is nothing that takes so long but another thread's turn. */
  private static final long OFF_PROCESSOR_NANOSECONDS = 20_000;

  /** How many sleeps go without a look after that. */
  private static final int PENALTY_SLEEPS = 64;

  private static final long LOAD_NANOSECONDS = 10_000_000;

  private final boolean enabled;
  private final LongSupplier clock;
  private final BooleanSupplier hostBusy;
  private long nanoseconds;
  private int penalty;
  private long loadTime;
  private boolean loadKnown;
  private boolean busy;

  private AdaptivePoll(boolean enabled, LongSupplier clock, BooleanSupplier hostBusy) {
    this.enabled = enabled;
    this.clock = clock;
    this.hostBusy = hostBusy;
  }

  /** One that looks when that pays. */
  public static AdaptivePoll whereItPays() {
    RunnableThreads threads = new RunnableThreads();
    int processors = Runtime.getRuntime().availableProcessors();
    return new AdaptivePoll(true, System::nanoTime, () -> threads.count() > processors);
  }

  /** One that never looks. */
  public static AdaptivePoll off() {
    return new AdaptivePoll(false, System::nanoTime, () -> true);
  }

  static AdaptivePoll of(LongSupplier clock, BooleanSupplier hostBusy) {
    return new AdaptivePoll(true, clock, hostBusy);
  }

  /** The time, for {@link #waited}. */
  public long now() {
    return clock.getAsLong();
  }

  /**
   * Looks for work for as long as it is worth.
   *
   * @param found whether there is any
   * @return false if the thread should sleep
   */
  public boolean look(BooleanSupplier found) {
    if (!enabled || nanoseconds == 0 || isHostBusy()) {
      return false;
    }
    long start = clock.getAsLong();
    long last = start;
    while (!found.getAsBoolean()) {
      long now = clock.getAsLong();
      if (now - last > OFF_PROCESSOR_NANOSECONDS) {
        nanoseconds = 0;
        penalty = PENALTY_SLEEPS;
        return false;
      }
      if (now - start >= nanoseconds) {
        return false;
      }
      last = now;
      Thread.onSpinWait();
    }
    return true;
  }

  private boolean isHostBusy() {
    long now = clock.getAsLong();
    if (!loadKnown || now - loadTime > LOAD_NANOSECONDS) {
      loadKnown = true;
      loadTime = now;
      busy = hostBusy.getAsBoolean();
    }
    return busy;
  }

  /**
   * The thread has slept until there was work.
   *
   * @param from the time when it had nothing more to do, before the look
   * @param to the time when it was awake
   */
  public void waited(long from, long to) {
    if (penalty > 0) {
      penalty--;
    } else if (to - from <= MAX_NANOSECONDS) {
      nanoseconds = Math.min(MAX_NANOSECONDS, Math.max(MIN_NANOSECONDS, 2 * nanoseconds));
    } else {
      nanoseconds = nanoseconds / 2 < MIN_NANOSECONDS ? 0 : nanoseconds / 2;
    }
  }

  /** For how long it would look now. */
  long nanoseconds() {
    return nanoseconds;
  }
}
