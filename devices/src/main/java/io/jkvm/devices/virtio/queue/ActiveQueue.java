// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.linux.EventFd;

/**
 * An active queue in the hands of what serves it: the rings, and the two ways of waking each other.
 */
public final class ActiveQueue {
  private final String name;
  private final int index;
  private final Virtqueue rings;
  private final EventFd notify;
  private final QueueSignals signals;

  /**
   * A queue that the driver has set up.
   *
   * @param name for threads and messages: "vm1/virtio-blk rootfs.img queue 0"
   * @param index from 0
   * @param notify counts the driver's available buffer notifications
   */
  public ActiveQueue(
      String name, int index, Virtqueue rings, EventFd notify, QueueSignals signals) {
    this.name = name;
    this.index = index;
    this.rings = rings;
    this.notify = notify;
    this.signals = signals;
  }

  /** A name for threads and messages, with the machine's and the device's in it. */
  public String name() {
    return name;
  }

  /** The rings, to be used by one thread at a time. */
  public Virtqueue rings() {
    return rings;
  }

  /** Interrupts the driver if it wants that for what was put into the used ring. */
  public void announce() {
    if (rings.needsInterrupt()) {
      signals.announce(index);
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

  /** What {@link #awaitNotification} waits for, for those that end the wait by themselves. */
  public EventFd notification() {
    return notify;
  }

  /** Ends the wait of {@link #awaitNotification}. */
  public void wake() {
    notify.signal();
  }

  /** The device can't go on until the driver resets it. */
  public void fail(String reason) {
    signals.fail(reason);
  }

  /** The machine can't go on: an Error came where the queue is served. */
  public void hostFailed(Error e) {
    signals.hostFailed(name + ": " + e);
  }

  /** Whether the device waits for a reset: the rings must not be touched any more. */
  public boolean failed() {
    return signals.failed();
  }
}
