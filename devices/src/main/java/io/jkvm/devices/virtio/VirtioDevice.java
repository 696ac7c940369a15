// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio;

import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.QueueService;

/**
 * What makes a virtio device a disk, a network card and so on, whatever transport carries it
 * (virtio 1.2, section 5). The transport negotiates, keeps the registers, and starts, pauses and
 * stops the services that the device gives it for its queues.
 */
public interface VirtioDevice {
  /** The device type. */
  VirtioType type();

  /** A short name for logs and threads, for example {@code virtio-blk rootfs.img}. */
  String name();

  /** The device-type feature bits offered, bits 0 to 23; ring features are the transport's. */
  long features();

  /**
   * Whether a set of negotiated features makes sense, beyond being a subset of those offered: some
   * need others (section 5.1.3.1 and its like).
   */
  default boolean accepts(long negotiated) {
    return true;
  }

  /** For each queue its largest size in descriptors, a power of two up to 32768; never changes. */
  int[] queueSizes();

  /** The device-specific configuration. */
  default ConfigSpace config() {
    return ConfigSpace.EMPTY;
  }

  /**
   * A transport has taken the device, before anything else is called.
   *
   * @param configChanged to be run, by any thread, after the configuration changed by itself
   */
  default void attach(Runnable configChanged) {}

  /**
   * The driver is ready (DRIVER_OK); the queues that it set up are served next.
   *
   * @param negotiated all negotiated feature bits
   */
  default void activate(long negotiated) {}

  /**
   * Serves an active queue. What belongs to one queue and one activation is the service's.
   *
   * @param queue from 0, an index of {@link #queueSizes}
   * @param rings the service's until it has stopped
   * @param negotiated all negotiated feature bits
   * @return a service that is not started yet
   */
  QueueService serve(int queue, ActiveQueue rings, long negotiated);

  /** The driver reset the device: everything is as before {@link #activate}; no service runs. */
  default void reset() {}
}
