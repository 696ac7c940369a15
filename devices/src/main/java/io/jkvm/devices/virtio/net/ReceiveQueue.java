// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.frame.SoftwareOffload;
import io.jkvm.devices.network.frame.VnetHeader;
import io.jkvm.devices.virtio.queue.ActiveQueue;
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
  private ActiveQueue queue;
  private DescriptorChain first;
  private DescriptorChain next;
  private boolean mergeable;
  private int largestPacket;
  private boolean enabled;
  private int guestOffloads;
  private boolean waiting;

  /**
   * The length of the last frame if the driver's buffers were too few for it. Nothing as long is
   * tried until there are more: a driver could have it copied again and again and never take it.
   */
  private int refusedBytes;

  private long taken;
  private long dropped;

  /**
   * The driver has set the queue up.
   *
   * @param newLargestPacket without Ethernet header and VLAN tags, in bytes; a larger frame that is
   *     not left to be cut is dropped (section 5.1.4.1)
   */
  synchronized void start(ActiveQueue newQueue, boolean mergeableBuffers, int newLargestPacket) {
    queue = newQueue;
    mergeable = mergeableBuffers;
    largestPacket = newLargestPacket;
    refusedBytes = Integer.MAX_VALUE;
    first = newQueue.rings().newChain();
    next = newQueue.rings().newChain();
    queue.rings().disableNotifications();
  }

  /** When this returns, no thread uses the rings or the eventfd any more. */
  synchronized void stop() {
    ActiveQueue old = queue;
    queue = null;
    boolean interrupted = false;
    while (waiting) {
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

  /** Whether the driver wants frames here; when this returns, none is under way otherwise. */
  synchronized void enable(boolean wanted) {
    enabled = wanted;
  }

  /** As {@link io.jkvm.devices.network.NetworkCard#receive}. */
  synchronized boolean receive(Frame frame) {
    if (!usable()
        || !enabled
        || frame.length() < Frame.MIN_BYTES
        || frame.length() > Frame.MAX_BYTES) {
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
    int source = frame.bytes().readerIndex();
    int left = frame.length();
    if (exceedsMtu(frame)) {
      return -1;
    }
    if (left >= refusedBytes && !rings.hasMore()) {
      return 0;
    }
    refusedBytes = Integer.MAX_VALUE;
    if (!poll(rings, first)) {
      return refuse(left);
    }
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
    int descriptors = first.ringDescriptors();
    for (left -= part; left > 0; left -= part) {
      source += part;
      if (!poll(rings, next)) {
        rings.takeBack(buffers);
        // More than a whole ring: that frame would wait for ever.
        return descriptors >= rings.size() ? -1 : refuse(frame.length());
      }
      descriptors += next.ringDescriptors();
      part = (int) Math.min(left, next.writableBytes());
      next.write(0, frame.memory(), source, part);
      rings.stageUsed(next.head(), part);
      buffers++;
    }
    headerFor(frame).write(headerMemory, 0, buffers);
    first.write(0, headerMemory, 0, VnetHeader.BYTES);
    return buffers;
  }

  private int refuse(int frameBytes) {
    refusedBytes = frameBytes;
    return 0;
  }

  private boolean exceedsMtu(Frame frame) {
    return frame.length() - Frame.MIN_BYTES > largestPacket
        && frame.header().gsoType() == VnetHeader.GSO_NONE
        && frame.packetBytes() > largestPacket;
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
    ActiveQueue waitedFor;
    synchronized (this) {
      waitedFor = queue;
      // Several queues of a network may end here: one waits for the driver, the rest for that one.
      if (!usable() || waiting) {
        sleep(timeoutMilliseconds);
        return;
      }
      if (queue.rings().enableNotifications()) {
        queue.rings().disableNotifications();
        return;
      }
      waiting = true;
    }
    waitedFor.awaitNotification(timeoutMilliseconds);
    synchronized (this) {
      waiting = false;
      notifyAll();
      if (queue == waitedFor && !queue.failed()) {
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
