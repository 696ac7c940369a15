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

  /** Whether the device waits for a reset: the rings must not be touched any more. */
  boolean failed();
}
