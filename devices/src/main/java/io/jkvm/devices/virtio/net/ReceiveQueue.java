// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.frame.SoftwareOffload;
import io.jkvm.devices.network.frame.VnetHeader;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.InboundQueue;
import io.jkvm.devices.virtio.queue.QueueService;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A receive queue (virtio 1.2, section 5.1.6.4): the framing over an {@link InboundQueue}. Frames
 * come on the threads of whoever sends them.
 */
final class ReceiveQueue {
  private final SoftwareOffload software = new SoftwareOffload();
  private final SoftwareOffload.Output output = this::put;
  private final VnetHeader header = new VnetHeader();
  private final ByteBuffer headerMemory =
      ByteBuffer.allocateDirect(VnetHeader.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /** Its monitor guards all that follows. */
  private final InboundQueue queue = new InboundQueue();

  private DescriptorChain first;
  private DescriptorChain next;
  private boolean mergeable;
  private int largestPacket;
  private boolean enabled;
  private int guestOffloads;
  private long taken;
  private long dropped;

  /**
   * The driver has set the queue up.
   *
   * @param newLargestPacket without Ethernet header and VLAN tags, in bytes; a larger frame that is
   *     not left to be cut is dropped (section 5.1.4.1)
   */
  QueueService serve(ActiveQueue rings, boolean mergeableBuffers, int newLargestPacket) {
    synchronized (queue) {
      mergeable = mergeableBuffers;
      largestPacket = newLargestPacket;
      first = rings.rings().newChain();
      next = rings.rings().newChain();
      return queue.serve(rings);
    }
  }

  /** What the driver takes unfinished from now on, as an {@link Offload} mask. */
  void guestOffloads(int offloads) {
    synchronized (queue) {
      guestOffloads = offloads;
    }
  }

  /** Whether the driver wants frames here; when this returns, none is under way otherwise. */
  void enable(boolean wanted) {
    synchronized (queue) {
      enabled = wanted;
    }
  }

  /** As {@link io.jkvm.devices.network.NetworkCard#receive}. */
  boolean receive(Frame frame) {
    synchronized (queue) {
      if (!queue.usable()
          || !enabled
          || frame.length() < Frame.MIN_BYTES
          || frame.length() > Frame.MAX_BYTES) {
        dropped++;
        return true;
      }
      if (queue.paused()) {
        return false;
      }
      boolean done = software.finish(frame, guestOffloads, output);
      if (software.malformed()) {
        dropped++;
        return true;
      }
      if (queue.usable()) {
        queue.announce();
        return done;
      }
      return true;
    }
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
        queue.publish();
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
    int source = frame.bytes().readerIndex();
    int left = frame.length();
    if (exceedsMtu(frame)) {
      return -1;
    }
    if (!queue.mayFit(left)) {
      return 0;
    }
    if (!queue.next(first)) {
      return refuse(left);
    }
    if (first.writableBytes() < VnetHeader.BYTES) {
      throw new GuestFault("receive buffer of " + first.writableBytes() + " bytes");
    }
    if (!mergeable && first.writableBytes() < VnetHeader.BYTES + left) {
      queue.takeBack();
      return -1;
    }
    if (left <= first.writableBytes() - VnetHeader.BYTES) {
      // The header goes before the frame, so that one copy does for both.
      int start = source - VnetHeader.BYTES;
      headerFor(frame).write(frame.memory(), start, 1);
      first.write(0, frame.memory(), start, VnetHeader.BYTES + left);
      queue.stage(first, (long) VnetHeader.BYTES + left);
      return 1;
    }
    int part = (int) Math.min(left, first.writableBytes() - VnetHeader.BYTES);
    first.write(VnetHeader.BYTES, frame.memory(), source, part);
    queue.stage(first, (long) VnetHeader.BYTES + part);
    int buffers = 1;
    int descriptors = first.ringDescriptors();
    for (left -= part; left > 0; left -= part) {
      source += part;
      if (!queue.next(next)) {
        queue.takeBack();
        // More than a whole ring: that frame would wait for ever.
        return descriptors >= queue.size() ? -1 : refuse(frame.length());
      }
      descriptors += next.ringDescriptors();
      part = (int) Math.min(left, next.writableBytes());
      next.write(0, frame.memory(), source, part);
      queue.stage(next, part);
      buffers++;
    }
    headerFor(frame).write(headerMemory, 0, buffers);
    first.write(0, headerMemory, 0, VnetHeader.BYTES);
    return buffers;
  }

  private int refuse(int frameBytes) {
    queue.refuse(frameBytes);
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

  /** As {@link io.jkvm.devices.network.NetworkCard#awaitRoom}. */
  void awaitRoom(int timeoutMilliseconds) {
    queue.awaitRoom(timeoutMilliseconds);
  }

  /** A frame went nowhere before it came here. */
  void countDropped() {
    synchronized (queue) {
      dropped++;
    }
  }

  long taken() {
    synchronized (queue) {
      return taken;
    }
  }

  long dropped() {
    synchronized (queue) {
      return dropped;
    }
  }
}
