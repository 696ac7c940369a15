// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

/**
 * What whoever serves a queue may tell its transport. Called by the services' threads; takes no
 * lock that a reset or a pause holds while it waits for them.
 */
public interface QueueSignals {
  /** A used buffer notification (virtio 1.2, section 2.3), which the driver wants. */
  void announce(int queue);

  /** The device can't go on until the driver resets it. */
  void fail(String reason);

  /**
   * The machine can't go on, since this process is in trouble: a driver that no longer gets answers
   * may wait for ever, whatever the device's status says.
   */
  void hostFailed(String reason);

  /** Whether the device waits for a reset: the rings must not be touched any more. */
  boolean failed();
}
