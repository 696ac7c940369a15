// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.SoftwareOffload;
import io.jkvm.devices.network.frame.VnetHeader;
import io.jkvm.devices.virtio.queue.DescriptorChain;

/**
 * A transmit queue (virtio 1.2, section 5.1.6.2): its buffers, used by its thread alone, and its
 * counters, which outlive a reset.
 */
final class TransmitQueue {
  private static final int HEADER_AT = Frame.HEADROOM_BYTES - VnetHeader.BYTES;

  /** From this size on a copy costs more than handing over a list of ranges. */
  private static final int IN_PLACE_BYTES = 4096;

  private static final int MAX_LOGGED_FAILURES = 4;

  private final NetworkBackend backend;
  private final int queuePair;
  private final Frame frame = new Frame();
  private final IoVector ranges = new IoVector(Frame.MAX_RANGES);
  private final SoftwareOffload software = new SoftwareOffload();
  private final SoftwareOffload.Output output;
  private final LogLimit failures = new LogLimit(VirtioNet.class, MAX_LOGGED_FAILURES);
  private volatile long sent;
  private volatile long dropped;

  TransmitQueue(NetworkBackend backend, int queuePair) {
    this.backend = backend;
    this.queuePair = queuePair;
    output = this::send;
  }

  /**
   * Sends one frame. What is wrong with a frame drops it; only a request that can't hold one at all
   * is a fault.
   *
   * @param hostOffloads what the driver may leave to be done
   * @return the bytes written to the request, which is 0
   */
  long process(DescriptorChain request, int hostOffloads, boolean linkUp) throws GuestFault {
    if (request.writableBytes() != 0 || request.readableBytes() < VnetHeader.BYTES) {
      throw new GuestFault(
          "transmit request of "
              + request.readableBytes()
              + " bytes to be read, "
              + request.writableBytes()
              + " to be written");
    }
    long length = request.readableBytes() - VnetHeader.BYTES;
    if (!linkUp || length < Frame.MIN_BYTES || length > Frame.MAX_BYTES) {
      countDropped();
      return 0;
    }
    boolean inPlace = length >= IN_PLACE_BYTES && backend.transmitsInPlace();
    // In one pass, which puts the header where a tap wants it. What is checked is this copy.
    int copied = VnetHeader.BYTES + (inPlace ? 0 : (int) length);
    request.read(0, frame.memory(), HEADER_AT, copied);
    VnetHeader header = frame.header();
    header.read(frame.memory(), HEADER_AT);
    header.keepSendersFlags();
    int asked = header.offloads();
    if (asked < 0 || (asked & ~hostOffloads) != 0 || !header.fits((int) length)) {
      countDropped();
      return 0;
    }
    if (inPlace && (asked & ~backend.transmitOffloads()) == 0) {
      sendInPlace(request);
      return 0;
    }
    if (inPlace) {
      request.read(VnetHeader.BYTES, frame.memory(), Frame.HEADROOM_BYTES, (int) length);
    }
    frame.bytes().setIndex(Frame.HEADROOM_BYTES, (int) (Frame.HEADROOM_BYTES + length));
    if (!software.finish(frame, backend.transmitOffloads(), output)) {
      countDropped();
    }
    return 0;
  }

  private void sendInPlace(DescriptorChain request) throws GuestFault {
    ranges.clear();
    request.readableRanges(VnetHeader.BYTES, ranges);
    boolean taken;
    try {
      taken = backend.transmitInPlace(queuePair, frame.header(), ranges);
    } catch (RuntimeException e) {
      taken = refused(e);
    }
    if (taken) {
      sent++; // only this thread writes it
    } else {
      countDropped();
    }
  }

  private boolean send(Frame finished) {
    boolean taken;
    try {
      taken = backend.transmit(queuePair, finished);
    } catch (RuntimeException e) {
      taken = refused(e);
    }
    if (taken) {
      sent++; // only this thread writes it
    }
    return taken;
  }

  /** A backend that fails costs the frame, not the card. */
  private boolean refused(RuntimeException e) {
    failures.warn("virtio-net " + backend.name(), "frame dropped: " + e);
    return false;
  }

  private void countDropped() {
    dropped++; // only this thread writes it
  }

  long sent() {
    return sent;
  }

  long dropped() {
    return dropped;
  }
}
