// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * The lock of a machine's life: one start, pause, resume or close at a time. Only a close is waited
 * for by nobody: it waits for the machine's threads, and one of these may be the caller.
 */
final class LifeLock {
  private static final long LOOK_MILLISECONDS = 10;

  private final ReentrantLock lock = new ReentrantLock();

  /**
   * Takes the lock. An interrupt does not end the wait; it is remembered.
   *
   * @param closed whether the machine is closed, or is being closed
   * @return false without the lock if it is
   */
  boolean enter(BooleanSupplier closed) {
    boolean interrupted = false;
    try {
      while (!closed.getAsBoolean()) {
        try {
          if (lock.tryLock(LOOK_MILLISECONDS, TimeUnit.MILLISECONDS)) {
            return true;
          }
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      return false;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Takes the lock for a close, which waits for all others. */
  void enterToClose() {
    lock.lock();
  }

  void leave() {
    lock.unlock();
  }
}
