// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import java.util.function.BooleanSupplier;

/** Waits on a monitor for a limited time. */
final class BoundedWait {
  private BoundedWait() {}

  /**
   * Waits until a condition holds; the monitor is held by the caller and notified of changes. An
   * interrupt does not end the wait and is set again on return.
   *
   * @param milliseconds how long at most; 0 or less only looks
   * @return whether the condition holds
   */
  static boolean await(Object monitor, BooleanSupplier condition, long milliseconds) {
    long start = System.nanoTime();
    boolean interrupted = false;
    boolean holds = condition.getAsBoolean();
    while (!holds) {
      long remaining = milliseconds - (System.nanoTime() - start) / 1_000_000;
      if (remaining <= 0) {
        break;
      }
      try {
        monitor.wait(remaining);
      } catch (InterruptedException e) {
        interrupted = true;
      }
      holds = condition.getAsBoolean();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return holds;
  }
}
