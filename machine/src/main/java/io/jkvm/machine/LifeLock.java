// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

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

  /**
   * Does something with the lock held.
   *
   * @param closed as for {@link #enter}
   * @param allowed whether it may be done; asked without the lock too, so that who may not need not
   *     wait
   * @return what came of it; empty, and nothing is done, if it may not
   */
  <T> Optional<T> during(BooleanSupplier closed, BooleanSupplier allowed, Supplier<T> action) {
    if (!allowed.getAsBoolean() || !enter(closed)) {
      return Optional.empty();
    }
    try {
      return allowed.getAsBoolean() ? Optional.of(action.get()) : Optional.empty();
    } finally {
      leave();
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
