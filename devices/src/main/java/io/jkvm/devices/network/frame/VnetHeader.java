// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import java.nio.ByteBuffer;

/**
 * What is left to do on a frame: struct virtio_net_hdr (virtio 1.2, section 5.1.6), which Linux's
 * tap devices use as well. All zero for a frame that is complete. Offsets count from the first byte
 * of the Ethernet header.
 */
public final class VnetHeader {
  /** The size of the structure with num_buffers. */
  public static final int BYTES = 12;

  /** Flag: the checksum at checksumStart + checksumOffset must be computed. */
  public static final int F_NEEDS_CSUM = 1;

  /** Flag: the checksum was checked and is right. */
  public static final int F_DATA_VALID = 2;

  public static final int GSO_NONE = 0;
  public static final int GSO_TCPV4 = 1;
  public static final int GSO_UDP = 3;
  public static final int GSO_TCPV6 = 4;

  /** Added to a TCP type: the segments carry ECN bits. */
  public static final int GSO_ECN = 0x80;

  private int flags;
  private int gsoType;
  private int headerBytes;
  private int gsoSize;
  private int checksumStart;
  private int checksumOffset;

  /** The frame is complete. */
  public void clear() {
    flags = 0;
    gsoType = GSO_NONE;
    headerBytes = 0;
    gsoSize = 0;
    checksumStart = 0;
    checksumOffset = 0;
  }

  /** Takes over another one's content. */
  public void set(VnetHeader other) {
    flags = other.flags;
    gsoType = other.gsoType;
    headerBytes = other.headerBytes;
    gsoSize = other.gsoSize;
    checksumStart = other.checksumStart;
    checksumOffset = other.checksumOffset;
  }

  /**
   * Reads the structure; nothing is checked yet.
   *
   * @param from a little-endian buffer, absolute access only
   */
  public void read(ByteBuffer from, int index) {
    // Two loads in place of six, each with its checks: this is done for every frame.
    long start = from.getLong(index);
    flags = (int) start & 0xff;
    gsoType = (int) (start >>> 8) & 0xff;
    headerBytes = (int) (start >>> 16) & 0xffff;
    gsoSize = (int) (start >>> 32) & 0xffff;
    checksumStart = (int) (start >>> 48);
    checksumOffset = from.getShort(index + 8) & 0xffff;
  }

  /**
   * Writes the structure with num_buffers, which is no property of a frame: 12 bytes.
   *
   * @param to a little-endian buffer, absolute access only
   */
  public void write(ByteBuffer to, int index, int numBuffers) {
    long start = flags | gsoType << 8 | (headerBytes | (long) gsoSize << 16) << 16;
    to.putLong(index, start | (long) checksumStart << 48);
    to.putInt(index + 8, checksumOffset | numBuffers << 16);
  }

  /** Says that a checksum is to be computed from {@code start} on, to be put at start + offset. */
  public void needChecksum(int start, int offset) {
    flags = F_NEEDS_CSUM;
    checksumStart = start;
    checksumOffset = offset;
  }

  /** Says that the checksum was computed or checked and is right. */
  public void checksumValid() {
    flags = F_DATA_VALID;
    checksumStart = 0;
    checksumOffset = 0;
  }

  /** Forgets all flags that a sender has no say in: only a receiver may be told of valid sums. */
  public void keepSendersFlags() {
    flags &= F_NEEDS_CSUM;
  }

  /** Says that the payload is to be cut. */
  public void segment(int type, int headers, int segmentBytes) {
    gsoType = type;
    headerBytes = headers;
    gsoSize = segmentBytes;
  }

  /**
   * The work left, as a mask of {@link Offload}.
   *
   * @return -1 if the structure has a type that is not known
   */
  public int offloads() {
    int mask = needsChecksum() ? Offload.CSUM : 0;
    switch (gsoType & ~GSO_ECN) {
      case GSO_NONE:
        return gsoType == GSO_NONE ? mask : -1;
      case GSO_TCPV4:
        mask |= Offload.TSO4;
        break;
      case GSO_TCPV6:
        mask |= Offload.TSO6;
        break;
      case GSO_UDP:
        return gsoType == GSO_UDP ? mask | Offload.UFO : -1;
      default:
        return -1;
    }
    return (gsoType & GSO_ECN) != 0 ? mask | Offload.ECN : mask;
  }

  /**
   * Whether the structure fits a frame: the checksum's place is inside, cutting goes with a
   * checksum and a size.
   */
  public boolean fits(int frameBytes) {
    int offloads = offloads();
    if (offloads < 0 || needsChecksum() && checksumStart + checksumOffset + 2 > frameBytes) {
      return false;
    }
    return gsoType == GSO_NONE
        || gsoSize > 0 && headerBytes <= frameBytes && (offloads & Offload.CSUM) != 0;
  }

  public boolean needsChecksum() {
    return (flags & F_NEEDS_CSUM) != 0;
  }

  public int flags() {
    return flags;
  }

  public int gsoType() {
    return gsoType;
  }

  /** A hint at the length of all headers of a frame to be cut, Ethernet's included. */
  public int headerBytes() {
    return headerBytes;
  }

  /** The payload of each segment. */
  public int gsoSize() {
    return gsoSize;
  }

  public int checksumStart() {
    return checksumStart;
  }

  public int checksumOffset() {
    return checksumOffset;
  }
}
