// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

/**
 * Waiting for something that must happen before the caller can go on, interrupted or not: an
 * interrupt is remembered, the wait goes on, and {@link #close} sets the interrupt again.
 *
 * <pre>{@code
 * try (RememberedInterrupt interrupt = new RememberedInterrupt()) {
 *   while (busy) {
 *     interrupt.wait(lock, 0);
 *   }
 * }
 * }</pre>
 */
public final class RememberedInterrupt implements AutoCloseable {
  // Taken off the thread at once, so that nothing in between is cut short either.
  private boolean interrupted = Thread.interrupted();

  /**
   * Waits for a notification, with the lock's monitor held.
   *
   * @param milliseconds how long at most; 0 is without a limit
   */
  public void wait(Object lock, long milliseconds) {
    try {
      lock.wait(milliseconds);
    } catch (InterruptedException e) {
      interrupted = true;
    }
  }

  @Override
  public void close() {
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
