// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.AgentException;
import io.jkvm.machine.agent.GuestAgent;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Notices that the host, or this process on it, has stood still: stopped by a signal, frozen,
 * suspended, moved to another machine. A guest can't notice it by itself, and may have a wall clock
 * that is late afterwards. Whoever has one looks at it once a {@link #LOOK} or more often; for one
 * thread.
 */
final class HostPauses {
  /** How often to look. */
  static final Duration LOOK = Duration.ofSeconds(1);

  /** A thread that comes so much later had more in its way than other threads. */
  private static final long SLACK_NANOSECONDS = 1_000_000_000;

  private final LongSupplier monotonicNanos;
  private final LongSupplier wallNanos;
  private long lastMonotonic;
  private long lastWall;

  /** The host's pauses from now on. */
  HostPauses() {
    this(System::nanoTime, () -> TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()));
  }

  /**
   * The same with other clocks.
   *
   * @param monotonicNanos one that nobody sets; on Linux it stands still while the host is
   *     suspended
   * @param wallNanos the one that the guest's is to follow
   */
  HostPauses(LongSupplier monotonicNanos, LongSupplier wallNanos) {
    this.monotonicNanos = monotonicNanos;
    this.wallNanos = wallNanos;
    lastMonotonic = monotonicNanos.getAsLong();
    lastWall = wallNanos.getAsLong();
  }

  /**
   * What happened since the last look.
   *
   * @param late how much too late the look is: the process did not run, be it for a load that it
   *     had no part of; zero if that is little
   * @param clockWasSet whether the wall clock was set, or the host was suspended: a guest that has
   *     followed the one clock can't have followed the other
   */
  record Look(Duration late, boolean clockWasSet) {}

  Look look() {
    long monotonic = monotonicNanos.getAsLong();
    long wall = wallNanos.getAsLong();
    long late = monotonic - lastMonotonic - LOOK.toNanos();
    long set = wall - lastWall - (monotonic - lastMonotonic);
    lastMonotonic = monotonic;
    lastWall = wall;
    return new Look(
        late > SLACK_NANOSECONDS ? Duration.ofNanos(late) : Duration.ZERO,
        Math.abs(set) > SLACK_NANOSECONDS);
  }

  /** Sets a guest's clock to the host's, on a thread of its own: the guest may not answer. */
  static void setClock(String machine, GuestAgent agent) {
    Thread thread = new Thread(() -> setClock(agent), machine + "/clock");
    thread.setDaemon(true);
    thread.start();
  }

  private static void setClock(GuestAgent agent) {
    try {
      agent.awaitReady(); // it is the time afterwards that counts
      agent.setTime();
    } catch (AgentException e) {
      return; // the guest is at its end, or may not set its clock
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
