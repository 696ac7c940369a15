// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import static io.jkvm.devices.network.frame.TransportLocation.putU16;
import static io.jkvm.devices.network.frame.TransportLocation.u16;

import java.nio.ByteBuffer;

/**
 * Does in software what a frame leaves to its receiver and the receiver does not take: the checksum
 * of TCP and UDP, and the segmentation of TCP over IPv4 and IPv6, with VLAN tags and IPv6 extension
 * headers. One thread at a time; nothing is allocated for a frame.
 */
public final class SoftwareOffload {
  /**
   * The smallest payload of a segment. The smallest MTU of IPv4, 68, leaves 8 bytes beside 20 bytes
   * of IP and 60 of TCP; less only serves to make tens of thousands of frames out of one.
   */
  public static final int MIN_SEGMENT_BYTES = 8;

  private static final int TCP_CHECKSUM = 16;
  private static final int TCP_FLAGS = 13;
  private static final int FIN_PSH = 0x01 | 0x08;
  private static final int CWR = 0x80;

  private final Frame scratch = new Frame();
  private boolean malformed;

  /** What takes the finished frames. */
  public interface Output {
    /**
     * Takes a frame, to be used during the call only and not changed but for its headroom.
     *
     * @return false if there is no room for it
     */
    boolean accept(Frame frame);
  }

  /**
   * Gives the output a frame with nothing left to do on it but what is accepted: the frame itself,
   * a copy with its checksum, or several segments. The frame is not changed, whatever is in it.
   *
   * @param accepted a mask of {@link Offload}
   * @return true if the output took the frame or its first segment; segments from the first refused
   *     one on are lost then. False if it got nothing: either the output refused, then the same
   *     frame may be tried again, or the frame is {@link #malformed} and trying again is of no use.
   */
  public boolean finish(Frame frame, int accepted, Output output) {
    VnetHeader header = frame.header();
    int offloads = header.offloads();
    int length = frame.length();
    malformed = length > Frame.MAX_BYTES || !header.fits(length);
    if (malformed) {
      return false;
    }
    if ((offloads & ~accepted) == 0) {
      return output.accept(frame);
    }
    if (header.gsoType() == VnetHeader.GSO_NONE) {
      return output.accept(withChecksum(frame));
    }
    long location = segmentable(frame);
    malformed = location == TransportLocation.NONE;
    return !malformed && segment(frame, location, (accepted & Offload.CSUM) != 0, output);
  }

  /** Whether the last call of {@link #finish} dropped a frame that cannot be finished. */
  public boolean malformed() {
    return malformed;
  }

  private Frame withChecksum(Frame frame) {
    VnetHeader todo = frame.header();
    scratch.set(frame);
    scratch.header().clear();
    ByteBuffer memory = scratch.memory();
    int start = Frame.HEADROOM_BYTES + todo.checksumStart();
    int covered = frame.length() - todo.checksumStart();
    // The sender left the pseudo header's sum in the field, so that it is part of what is summed.
    int checksum = InternetChecksum.complement(InternetChecksum.sum(memory, start, covered));
    putU16(memory, start + todo.checksumOffset(), checksum);
    return scratch;
  }

  /** Finds the headers if the frame is what its VnetHeader says and can be cut, else NONE. */
  private static long segmentable(Frame frame) {
    VnetHeader header = frame.header();
    int type = header.gsoType() & ~VnetHeader.GSO_ECN;
    if (type == VnetHeader.GSO_UDP || header.gsoSize() < MIN_SEGMENT_BYTES) {
      return TransportLocation.NONE;
    }
    ByteBuffer memory = frame.memory();
    int base = frame.bytes().readerIndex();
    long location = TransportLocation.find(memory, base, frame.length());
    if (location == TransportLocation.NONE
        || TransportLocation.protocol(location) != TransportLocation.TCP
        || TransportLocation.isIpv6(location) != (type == VnetHeader.GSO_TCPV6)) {
      return TransportLocation.NONE;
    }
    int tcp = TransportLocation.transport(location);
    if (header.checksumStart() != tcp
        || header.checksumOffset() != TCP_CHECKSUM
        || tcp + 20 > frame.length()) {
      return TransportLocation.NONE;
    }
    int tcpHeader = tcpHeaderBytes(memory, base + tcp);
    int packet = tcp - TransportLocation.ip(location) + tcpHeader + header.gsoSize();
    return tcpHeader < 20 || tcp + tcpHeader > frame.length() || packet > 0xffff
        ? TransportLocation.NONE
        : location;
  }

  private static int tcpHeaderBytes(ByteBuffer memory, int tcp) {
    return (memory.get(tcp + 12) & 0xf0) >>> 2;
  }

  private boolean segment(Frame frame, long location, boolean tellValid, Output output) {
    ByteBuffer from = frame.memory();
    int base = frame.bytes().readerIndex();
    int tcp = TransportLocation.transport(location);
    int headers = tcp + tcpHeaderBytes(from, base + tcp);
    int payload = frame.length() - headers;
    int size = frame.header().gsoSize();
    int done = 0;
    do {
      int part = Math.min(size, payload - done);
      scratch.reset();
      ByteBuffer to = scratch.memory();
      to.put(Frame.HEADROOM_BYTES, from, base, headers);
      to.put(Frame.HEADROOM_BYTES + headers, from, base + headers + done, part);
      scratch.bytes().writerIndex(Frame.HEADROOM_BYTES + headers + part);
      boolean last = done + part == payload;
      finishIp(to, location, headers + part, done / size);
      finishTcp(to, location, headers + part, done, last);
      if (tellValid) {
        scratch.header().checksumValid();
      }
      if (!output.accept(scratch)) {
        return done > 0;
      }
      done += part;
    } while (done < payload);
    return true;
  }

  private static void finishIp(ByteBuffer memory, long location, int length, int number) {
    int offset = TransportLocation.ip(location);
    int ip = Frame.HEADROOM_BYTES + offset;
    if (TransportLocation.isIpv6(location)) {
      putU16(memory, ip + 4, length - offset - 40);
      return;
    }
    putU16(memory, ip + 2, length - offset);
    putU16(memory, ip + 4, u16(memory, ip + 4) + number);
    putU16(memory, ip + 10, 0);
    int headerBytes = TransportLocation.transport(location) - offset;
    int sum = InternetChecksum.sum(memory, ip, headerBytes);
    putU16(memory, ip + 10, ~sum);
  }

  private static void finishTcp(
      ByteBuffer memory, long location, int length, int done, boolean last) {
    int offset = TransportLocation.transport(location);
    int tcp = Frame.HEADROOM_BYTES + offset;
    int sequence = (u16(memory, tcp + 4) << 16 | u16(memory, tcp + 6)) + done;
    putU16(memory, tcp + 4, sequence >>> 16);
    putU16(memory, tcp + 6, sequence);
    int flags = memory.get(tcp + TCP_FLAGS);
    if (done > 0) {
      flags &= ~CWR;
    }
    if (!last) {
      flags &= ~FIN_PSH;
    }
    memory.put(tcp + TCP_FLAGS, (byte) flags);
    putU16(memory, tcp + TCP_CHECKSUM, 0);
    int bytes = length - offset;
    long sum =
        TransportLocation.pseudoHeaderSum(memory, Frame.HEADROOM_BYTES, location, bytes)
            + InternetChecksum.sum(memory, tcp, bytes);
    putU16(memory, tcp + TCP_CHECKSUM, InternetChecksum.complement(sum));
  }

  /**
   * Whether a frame may be marked {@link VnetHeader#checksumValid}: it is complete, TCP or UDP over
   * IPv4 or IPv6, no fragment, and the checksum is there and right over the length that the IP
   * header states. Nothing is said of the IP header's own checksum.
   *
   * @return false for anything else
   */
  public static boolean checksumValid(Frame frame) {
    if (frame.header().offloads() != Offload.NONE) {
      return false;
    }
    ByteBuffer memory = frame.memory();
    int base = frame.bytes().readerIndex();
    long location = TransportLocation.find(memory, base, frame.length());
    if (location == TransportLocation.NONE) {
      return false;
    }
    int ip = TransportLocation.ip(location);
    int transport = TransportLocation.transport(location);
    int end = ip + TransportLocation.statedBytes(memory, base, location);
    int bytes = end - transport;
    if (end > frame.length() || !hasChecksum(memory, base + transport, location, bytes)) {
      return false;
    }
    long sum =
        TransportLocation.pseudoHeaderSum(memory, base, location, bytes)
            + InternetChecksum.sum(memory, base + transport, bytes);
    return InternetChecksum.fold(sum) == 0xffff;
  }

  private static boolean hasChecksum(ByteBuffer memory, int transport, long location, int bytes) {
    switch (TransportLocation.protocol(location)) {
      case TransportLocation.TCP:
        return bytes >= 20;
      case TransportLocation.UDP:
        return bytes >= 8 && u16(memory, transport + 4) == bytes && u16(memory, transport + 6) != 0;
      default:
        return false;
    }
  }
}
