// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.linux.LinuxException;
import java.util.List;
import java.util.Optional;

/**
 * Looks now and then whether a guest can still go on. A vCPU in HLT with interrupts off waits
 * inside KVM_RUN for ever, and KVM says nothing: without this, a kernel that halts would keep its
 * machine until somebody notices.
 *
 * <p>A look stops the vCPUs for some microseconds, so a guest whose vCPUs have exits is left alone.
 *
 * <p>As the one thread of a machine that runs at regular times, it gives the vCPUs their heartbeat.
 */
final class HaltWatch {
  private static final long PERIOD_MILLISECONDS = 1000;

  /** Why a guest never can go on. */
  interface Look {
    Optional<StopReason> lookForEnd() throws LinuxException;
  }

  private final List<VcpuThread> vcpus;
  private final Look look;
  private final StopLatch stop;
  private final Heartbeat heartbeat;
  private final WorkerThread thread;

  // Guarded by this.
  private boolean ended;

  /**
   * A watch that does not run yet.
   *
   * @param look called on the watch's thread
   * @param stop told the reason with nothing locked: its listeners may be anybody's
   */
  HaltWatch(String vmName, List<VcpuThread> vcpus, Look look, StopLatch stop, Heartbeat heartbeat) {
    this.vcpus = vcpus;
    this.look = look;
    this.stop = stop;
    this.heartbeat = heartbeat;
    thread = new WorkerThread(vmName + "/halt-watch", this::watch);
  }

  /** To be called before the vCPUs start: they count on beats. */
  void start() {
    heartbeat.begin(System.nanoTime());
    thread.start();
  }

  /** Ends the watch; returns once it looks no more, unless that takes longer. */
  void end(long milliseconds) {
    synchronized (this) {
      ended = true;
      notifyAll();
    }
    thread.join(milliseconds);
  }

  private void watch() {
    long before = -1;
    boolean canTell = true;
    while (awaitPeriod()) {
      if (heartbeat.beat(System.nanoTime())) {
        vcpus.forEach(VcpuThread::kick); // one may have entered the guest without a look at it
      }
      long exits = vcpus.stream().mapToLong(VcpuThread::exits).sum();
      if (exits == before && canTell) {
        try {
          look.lookForEnd().ifPresent(stop::request);
        } catch (LinuxException e) {
          canTell = false; // the machine is about to end, or KVM doesn't know; the beats go on
        }
      }
      before = exits;
    }
  }

  /** False once the watch is to end. */
  private synchronized boolean awaitPeriod() {
    long end = System.nanoTime() + PERIOD_MILLISECONDS * 1_000_000;
    try {
      for (long left = PERIOD_MILLISECONDS; !ended && left > 0; ) {
        wait(left);
        left = (end - System.nanoTime()) / 1_000_000;
      }
    } catch (InterruptedException e) {
      return false; // nobody interrupts a worker; if somebody does, he wants it to end
    }
    return !ended;
  }
}
