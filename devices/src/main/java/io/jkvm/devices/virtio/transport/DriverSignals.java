// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.devices.virtio.queue.QueueSignals;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * What a device has to tell its driver: used buffers, changes of its configuration, and that it
 * needs a reset. While the device is paused nothing is told; what came up is told afterwards.
 *
 * <p>For any thread. The monitor is for configuration changes only, and only an interrupt wire's
 * lock is taken while it is held.
 */
final class DriverSignals implements QueueSignals {
  private static final int MAX_LOGGED_FAILURES = 16;

  private final String deviceName;
  private final VirtioFunction.Interrupts interrupts;
  private final Consumer<String> hostFailure;
  private final AtomicInteger generation = new AtomicInteger();
  private final AtomicBoolean failed = new AtomicBoolean();
  private final LogLimit failureLog = new LogLimit(VirtioFunction.class, MAX_LOGGED_FAILURES);

  // Guarded by this.
  private boolean driverReady;
  private boolean silent;
  private boolean changePending;

  DriverSignals(
      String deviceName, VirtioFunction.Interrupts interrupts, Consumer<String> hostFailure) {
    this.deviceName = deviceName;
    this.hostFailure = hostFailure;
    this.interrupts = interrupts;
  }

  /** A paused device has no service that could call this. */
  @Override
  public void announce(int queue) {
    interrupts.queueUsed(queue);
  }

  @Override
  public void fail(String reason) {
    if (failed.compareAndSet(false, true)) {
      failureLog.warn(deviceName, reason + "; the device needs a reset");
      notifyChange();
    }
  }

  @Override
  public void hostFailed(String reason) {
    hostFailure.accept(reason);
  }

  @Override
  public boolean failed() {
    return failed.get();
  }

  /** The device changed its configuration (virtio 1.2, section 2.5.1). */
  void configChanged() {
    generation.incrementAndGet();
    notifyChange();
  }

  /** The configuration generation (section 2.5). */
  int generation() {
    return generation.get();
  }

  private synchronized void notifyChange() {
    if (driverReady) {
      if (silent) {
        changePending = true;
      } else {
        interrupts.configChanged();
      }
    }
  }

  /** From DRIVER_OK on the driver is told of changes. */
  synchronized void driverReady() {
    driverReady = true;
  }

  /** Forgets the driver and what it has not acknowledged. */
  synchronized void reset() {
    driverReady = false;
    changePending = false;
    failed.set(false);
    interrupts.clear();
  }

  synchronized boolean silent() {
    return silent;
  }

  /** The device is paused. */
  synchronized void silence() {
    silent = true;
  }

  /**
   * The pause is over. The driver gets an interrupt for each started queue whether it wants one or
   * not, since the last one may have been lost; one too many is harmless.
   */
  synchronized void speak(boolean[] startedQueues) {
    silent = false;
    for (int i = 0; i < startedQueues.length; i++) {
      if (startedQueues[i]) {
        interrupts.queueUsed(i);
      }
    }
    if (changePending) {
      changePending = false;
      interrupts.configChanged();
    }
  }
}
