// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.network.Frame;
import io.jkvm.devices.network.Offload;
import io.jkvm.devices.network.SoftwareOffload;
import io.jkvm.devices.network.VnetHeader;
import io.jkvm.devices.virtio.DeviceQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.Virtqueue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A receive queue (virtio 1.2, section 5.1.6.4). Frames come on the threads of whoever sends them;
 * this object's monitor is held while one is copied into the guest's buffers, and never while
 * waiting or calling anything outside the device.
 */
final class ReceiveQueue {
  private final SoftwareOffload software = new SoftwareOffload();
  private final SoftwareOffload.Output output = this::put;
  private final VnetHeader header = new VnetHeader();
  private final ByteBuffer headerMemory =
      ByteBuffer.allocateDirect(VnetHeader.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  // Guarded by this.
  private DeviceQueue queue;
  private DescriptorChain first;
  private DescriptorChain next;
  private boolean mergeable;
  private int guestOffloads;
  private int waiting;
  private long taken;
  private long dropped;

  /** The driver has set the queue up. */
  synchronized void start(DeviceQueue newQueue, boolean mergeableBuffers) {
    queue = newQueue;
    mergeable = mergeableBuffers;
    first = newQueue.rings().newChain();
    next = newQueue.rings().newChain();
    queue.rings().disableNotifications();
  }

  /** When this returns, no thread uses the rings or the eventfd any more. */
  synchronized void stop() {
    DeviceQueue old = queue;
    queue = null;
    boolean interrupted = false;
    while (waiting > 0) {
      old.wake();
      try {
        wait(100);
      } catch (InterruptedException e) {
        interrupted = true; // remembered, but the end of the waiting thread is waited for
      }
    }
    notifyAll();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** What the driver takes unfinished from now on, as an {@link Offload} mask. */
  synchronized void guestOffloads(int offloads) {
    guestOffloads = offloads;
  }

  /** As {@link io.jkvm.devices.network.NetworkCard#receive}. */
  synchronized boolean receive(Frame frame) {
    if (!usable() || frame.length() < Frame.MIN_BYTES || frame.length() > Frame.MAX_BYTES) {
      dropped++;
      return true;
    }
    boolean done = software.finish(frame, guestOffloads, output);
    if (software.malformed()) {
      dropped++;
      return true;
    }
    if (usable()) {
      queue.announce();
    }
    return done || !usable();
  }

  private boolean usable() {
    return queue != null && !queue.failed();
  }

  /** Puts a frame that asks for no more than the driver takes into the next buffers. */
  private boolean put(Frame frame) {
    try {
      int buffers = copy(frame);
      if (buffers == 0) {
        return false;
      }
      if (buffers < 0) {
        dropped++;
      } else {
        queue.rings().publishUsed();
        taken++;
      }
      return true;
    } catch (GuestFault e) {
      queue.fail(e.getMessage());
      dropped++;
      return true;
    }
  }

  /** The number of buffers filled, 0 if there are not enough, -1 if the frame can't be received. */
  private int copy(Frame frame) throws GuestFault {
    Virtqueue rings = queue.rings();
    if (!poll(rings, first)) {
      return 0;
    }
    int source = frame.bytes().readerIndex();
    int left = frame.length();
    if (first.writableBytes() < VnetHeader.BYTES) {
      throw new GuestFault("receive buffer of " + first.writableBytes() + " bytes");
    }
    if (!mergeable && first.writableBytes() < VnetHeader.BYTES + left) {
      rings.takeBack(1);
      return -1;
    }
    if (left <= first.writableBytes() - VnetHeader.BYTES) {
      // The header goes before the frame, so that one copy does for both.
      int start = source - VnetHeader.BYTES;
      headerFor(frame).write(frame.memory(), start, 1);
      first.write(0, frame.memory(), start, VnetHeader.BYTES + left);
      rings.stageUsed(first.head(), (long) VnetHeader.BYTES + left);
      return 1;
    }
    int part = (int) Math.min(left, first.writableBytes() - VnetHeader.BYTES);
    first.write(VnetHeader.BYTES, frame.memory(), source, part);
    rings.stageUsed(first.head(), (long) VnetHeader.BYTES + part);
    int buffers = 1;
    for (left -= part; left > 0; left -= part) {
      source += part;
      if (!poll(rings, next)) {
        rings.takeBack(buffers);
        // More than a whole ring: that frame would wait for ever.
        return buffers == rings.size() ? -1 : 0;
      }
      part = (int) Math.min(left, next.writableBytes());
      next.write(0, frame.memory(), source, part);
      rings.stageUsed(next.head(), part);
      buffers++;
    }
    headerFor(frame).write(headerMemory, 0, buffers);
    first.write(0, headerMemory, 0, VnetHeader.BYTES);
    return buffers;
  }

  /** What the driver is told of a frame. */
  private VnetHeader headerFor(Frame frame) {
    header.set(frame.header());
    if ((guestOffloads & Offload.CSUM) == 0) {
      header.clear();
    } else if (header.flags() == 0 && SoftwareOffload.checksumValid(frame)) {
      header.checksumValid();
    }
    return header;
  }

  private static boolean poll(Virtqueue rings, DescriptorChain into) throws GuestFault {
    if (!rings.poll(into)) {
      return false;
    }
    if (into.readableBytes() != 0) {
      throw new GuestFault("receive buffer that the device can't write");
    }
    return true;
  }

  /** As {@link io.jkvm.devices.network.NetworkCard#awaitRoom}. */
  void awaitRoom(int timeoutMilliseconds) {
    DeviceQueue waitedFor;
    synchronized (this) {
      waitedFor = queue;
      if (!usable()) {
        sleep(timeoutMilliseconds);
        return;
      }
      if (queue.rings().enableNotifications()) {
        return;
      }
      waiting++;
    }
    waitedFor.awaitNotification(timeoutMilliseconds);
    synchronized (this) {
      waiting--;
      notifyAll();
      if (queue == waitedFor && !queue.failed()) {
        queue.rings().disableNotifications();
      }
    }
  }

  private void sleep(int milliseconds) {
    try {
      wait(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A frame went nowhere before it came here. */
  synchronized void countDropped() {
    dropped++;
  }

  synchronized long taken() {
    return taken;
  }

  synchronized long dropped() {
    return dropped;
  }
}
