// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.memory.GuestFault;

/**
 * A queue that threads of the host push into whenever they have something for the guest: received
 * frames, console input, packets of a socket. Lives as long as its device; the driver's rings come
 * and go with {@link #serve}.
 *
 * <p>Who pushes holds this object's monitor for one item, and calls the methods that say so: {@link
 * #usable}, {@link #paused}, then {@link #next} and {@link #stage} as often as needed, {@link
 * #publish} or {@link #takeBack}, and {@link #announce}. An item for which there is no room stays
 * the pusher's, who waits in {@link #awaitRoom} without the monitor: so back-pressure reaches the
 * source. The monitor is never held while waiting, so a pause or stop that takes it finds no thread
 * inside the rings.
 */
public final class InboundQueue implements QueueService {
  // All guarded by this. The queue is null while the driver has none.
  private ActiveQueue queue;
  private ActiveQueue offered;
  private boolean pauseWanted;

  /** A thread waits for the driver's notification, and not for another thread that does. */
  private boolean waiting;

  /** Chains polled since the last publication. */
  private int polled;

  /** See {@link #refuse}. */
  private long refusedBytes;

  /** Serves the rings of an activation once it is started. */
  public synchronized QueueService serve(ActiveQueue rings) {
    offered = rings;
    pauseWanted = false;
    return this;
  }

  @Override
  public synchronized void start() {
    queue = offered;
    polled = 0;
    refusedBytes = Long.MAX_VALUE;
    if (!pauseWanted) {
      queue.rings().disableNotifications();
    }
    notifyAll();
  }

  /** With the monitor taken, no thread is inside the rings. */
  @Override
  public synchronized void requestPause() {
    pauseWanted = true;
  }

  @Override
  public boolean awaitPaused(long milliseconds) {
    return true;
  }

  @Override
  public synchronized void resume() {
    if (!pauseWanted) {
      return;
    }
    pauseWanted = false;
    if (usable()) {
      if (waiting) {
        queue.wake(); // the driver may have made room without a notification
      } else {
        queue.rings().disableNotifications();
      }
    }
    notifyAll();
  }

  @Override
  public synchronized void requestStop() {
    if (waiting && queue != null) {
      queue.wake();
    }
    queue = null;
    pauseWanted = false;
    notifyAll();
  }

  @Override
  public synchronized boolean awaitStopped(long milliseconds) {
    return BoundedWait.await(this, () -> !waiting, milliseconds);
  }

  /** Whether the driver has the queue, and has not broken it; with the monitor held. */
  public boolean usable() {
    assert Thread.holdsLock(this);
    return queue != null && !queue.failed();
  }

  /** Whether nothing may be pushed just now: treated like a want of room; with the monitor held. */
  public boolean paused() {
    assert Thread.holdsLock(this);
    return pauseWanted;
  }

  /**
   * Whether an item is worth trying: not if the last one failed for want of room, this one is as
   * large, and the driver has added nothing since. Else a driver could have it copied again and
   * again and never take it. With the monitor held.
   */
  public boolean mayFit(long bytes) {
    assert Thread.holdsLock(this);
    if (bytes >= refusedBytes && !queue.rings().hasMore()) {
      return false;
    }
    refusedBytes = Long.MAX_VALUE;
    return true;
  }

  /**
   * Takes the driver's next buffers; with the monitor held.
   *
   * @return false if there are none
   * @throws GuestFault if the chain breaks a rule, or has buffers that the device can't write
   */
  public boolean next(DescriptorChain into) throws GuestFault {
    assert Thread.holdsLock(this);
    if (!queue.rings().poll(into)) {
      return false;
    }
    polled++;
    if (into.readableBytes() != 0) {
      throw new GuestFault("receive buffer that the device can't write");
    }
    return true;
  }

  /** Fills in a used element that the driver does not see yet; with the monitor held. */
  public void stage(DescriptorChain chain, long writtenBytes) {
    assert Thread.holdsLock(this);
    queue.rings().stageUsed(chain.head(), writtenBytes);
  }

  /** Shows the driver what was staged, all at once; with the monitor held. */
  public void publish() {
    assert Thread.holdsLock(this);
    queue.rings().publishUsed();
    polled = 0;
  }

  /** Leaves all buffers taken since the last publication to the driver; with the monitor held. */
  public void takeBack() {
    assert Thread.holdsLock(this);
    queue.rings().takeBack(polled);
    polled = 0;
  }

  /** Remembers that the buffers were too few for so many bytes; with the monitor held. */
  public void refuse(long bytes) {
    assert Thread.holdsLock(this);
    refusedBytes = bytes;
  }

  /** How many descriptors the driver's ring has; with the monitor held. */
  public int size() {
    assert Thread.holdsLock(this);
    return queue.rings().size();
  }

  /** Interrupts the driver if it wants that for what was published; with the monitor held. */
  public void announce() {
    assert Thread.holdsLock(this);
    queue.announce();
  }

  /** The device can't go on until the driver resets it; with the monitor held. */
  public void fail(String reason) {
    assert Thread.holdsLock(this);
    queue.fail(reason);
  }

  /**
   * Waits until the driver may have made room, a pause is over, or the queue came or went. Any
   * number of threads: one waits for the driver, the rest for that one.
   *
   * @param timeoutMilliseconds how long at most; 0 or less only looks
   */
  public void awaitRoom(int timeoutMilliseconds) {
    ActiveQueue waitedFor;
    synchronized (this) {
      if (!usable() || pauseWanted || waiting) {
        sleep(timeoutMilliseconds);
        return;
      }
      if (refusedBytes == Long.MAX_VALUE && queue.rings().hasPending()) {
        return; // nobody found them too few: an item was held up by something that is over
      }
      if (queue.rings().enableNotifications()) {
        queue.rings().disableNotifications();
        return;
      }
      waiting = true;
      waitedFor = queue;
    }
    waitedFor.awaitNotification(timeoutMilliseconds);
    synchronized (this) {
      waiting = false;
      notifyAll();
      if (queue == waitedFor && usable() && !pauseWanted) {
        queue.rings().disableNotifications();
      }
    }
  }

  private void sleep(int milliseconds) {
    try {
      if (milliseconds > 0) {
        wait(milliseconds);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
