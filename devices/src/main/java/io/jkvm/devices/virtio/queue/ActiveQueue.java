// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.devices.virtio.transport.VirtioFunction;

/**
 * An active queue in the hands of what serves it: the rings, and the two ways of waking each other.
 */
public final class ActiveQueue {
  private final VirtioFunction transport;
  private final int index;
  private final Virtqueue rings;
  private final EventFd notify;

  public ActiveQueue(VirtioFunction transport, int index, Virtqueue rings, EventFd notify) {
    this.transport = transport;
    this.index = index;
    this.rings = rings;
    this.notify = notify;
  }

  /** The rings, to be used by one thread at a time. */
  public Virtqueue rings() {
    return rings;
  }

  /** Interrupts the driver if it wants that for what was put into the used ring. */
  public void announce() {
    if (rings.needsInterrupt()) {
      transport.queueUsed(index);
    }
  }

  /**
   * Waits for an available buffer notification or for {@link #wake}; one thread at a time.
   *
   * @param timeoutMilliseconds how long at most; -1 is for ever
   * @return false when it ended otherwise
   */
  public boolean awaitNotification(int timeoutMilliseconds) {
    return notify.await(timeoutMilliseconds);
  }

  /** Ends the wait of {@link #awaitNotification}. */
  public void wake() {
    notify.signal();
  }

  /** The device can't go on until the driver resets it. */
  public void fail(String reason) {
    transport.fail(reason);
  }

  /** Whether the device waits for a reset: the rings must not be touched any more. */
  public boolean failed() {
    return transport.failed();
  }
}
