// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.io.IOException;

/**
 * What makes a virtio device a disk, a network card and so on, whatever transport carries it
 * (virtio 1.2, section 5). The transport negotiates, owns the queues and their threads, and hands
 * over one request at a time.
 */
public interface VirtioDevice {
  /** The device type (section 5), for example 2 for a block device. */
  int deviceId();

  /** A short name for logs and threads, for example {@code virtio-blk rootfs.img}. */
  String name();

  /** The device-type feature bits offered, bits 0 to 23; ring features are the transport's. */
  long features();

  int queueCount();

  /** The largest size of a queue in descriptors, a power of two up to 32768. */
  int maxQueueSize(int queue);

  /**
   * Reads the device-specific configuration. Called by vCPU threads.
   *
   * @param offset from the start of the configuration, not negative, may lie beyond its end
   * @param size 1, 2, 4 or 8 bytes
   * @return little-endian value; bytes beyond the end are 0
   */
  long readConfig(long offset, int size);

  /** Writes the configuration; what the driver may not write is ignored. */
  void writeConfig(long offset, int size, long value);

  /**
   * A transport has taken the device, before anything else is called.
   *
   * @param changed to be run, by any thread, after the configuration changed by itself
   */
  default void attach(Runnable changed) {}

  /**
   * Whether a set of negotiated features makes sense, beyond being a subset of those offered: some
   * need others (section 5.1.3.1 and its like).
   */
  default boolean acceptsFeatures(long features) {
    return true;
  }

  /**
   * The driver is ready (DRIVER_OK); requests follow.
   *
   * @param features all negotiated bits
   */
  void activate(long features);

  /**
   * Whether the device serves a queue itself, on threads of its own, as one that receives does. For
   * such a queue {@link #queueStarted} and {@link #queueStopped} are called in place of {@link
   * #process}. Asked after {@link #activate}.
   */
  default boolean servesQueue(int queue) {
    return false;
  }

  /** Hands over a queue that the device serves itself. */
  default void queueStarted(int queue, ActiveQueue rings) {}

  /** Takes it back, in bounded time: when this returns, no thread uses the queue any more. */
  default void queueStopped(int queue) {}

  /**
   * Serves one request, on the thread of its queue: never twice at once for one queue.
   *
   * @return how many bytes were written, counted from the first device-writable byte
   * @throws GuestFault if the request is too broken to be answered; the device needs a reset then
   * @throws IOException if the host can't do what the device promises, with the same effect
   */
  long process(int queue, DescriptorChain request) throws GuestFault, IOException;

  /** The driver reset the device: everything is as before {@link #activate}; no request runs. */
  void reset();
}
