// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import java.nio.ByteBuffer;

/**
 * Where the IP and transport headers of a frame are, as one number so that none is allocated for a
 * frame. Everything read is checked against the frame's length; no length field is believed.
 */
final class TransportLocation {
  static final long NONE = -1;
  static final int TCP = 6;
  static final int UDP = 17;

  private static final int IPV4 = 0x0800;
  private static final int IPV6 = 0x86dd;
  private static final int VLAN = 0x8100;
  private static final int SERVICE_VLAN = 0x88a8;
  private static final int IPV6_HOP_BY_HOP = 0;
  private static final int IPV6_ROUTING = 43;
  private static final int IPV6_DESTINATION = 60;
  private static final int MAX_EXTENSIONS = 8;

  private TransportLocation() {}

  /**
   * Looks into an Ethernet frame with up to two VLAN tags.
   *
   * @param base the index of the frame's first byte
   * @param length of the frame in bytes
   * @return {@link #NONE} if it is not IP, a fragment, cut short, or has a source route still to go
   *     (the pseudo header then has another destination than the IP header)
   */
  static long find(ByteBuffer memory, int base, int length) {
    int type = etherType(memory, base, length);
    int ip = type + 2;
    if (ip + 20 > length) {
      return NONE;
    }
    int etherType = u16(memory, base + type);
    int version = (memory.get(base + ip) & 0xff) >>> 4;
    if (etherType == IPV4 && version == 4) {
      return findIpv4(memory, base, length, ip);
    }
    return etherType == IPV6 && version == 6 ? findIpv6(memory, base, length, ip) : NONE;
  }

  /** The offset of the EtherType behind up to two VLAN tags. */
  static int etherType(ByteBuffer memory, int base, int length) {
    int type = 12;
    while (type + 2 <= length && type < 20 && isVlan(u16(memory, base + type))) {
      type += 4;
    }
    return type;
  }

  private static boolean isVlan(int etherType) {
    return etherType == VLAN || etherType == SERVICE_VLAN;
  }

  private static long findIpv4(ByteBuffer memory, int base, int length, int ip) {
    int headerBytes = (memory.get(base + ip) & 0xf) * 4;
    boolean fragment = (u16(memory, base + ip + 6) & 0x3fff) != 0;
    if (headerBytes < 20 || fragment || ip + headerBytes > length) {
      return NONE;
    }
    return pack(ip, ip + headerBytes, memory.get(base + ip + 9) & 0xff, false);
  }

  private static long findIpv6(ByteBuffer memory, int base, int length, int ip) {
    if (ip + 40 > length) {
      return NONE;
    }
    int next = memory.get(base + ip + 6) & 0xff;
    int at = ip + 40;
    for (int count = 0; isExtension(next); count++) {
      if (count == MAX_EXTENSIONS || at + 8 > length) {
        return NONE;
      }
      if (next == IPV6_ROUTING && memory.get(base + at + 3) != 0) {
        return NONE;
      }
      next = memory.get(base + at) & 0xff;
      at += ((memory.get(base + at + 1) & 0xff) + 1) * 8;
    }
    return at > length ? NONE : pack(ip, at, next, true);
  }

  private static boolean isExtension(int next) {
    return next == IPV6_HOP_BY_HOP || next == IPV6_ROUTING || next == IPV6_DESTINATION;
  }

  private static long pack(int ip, int transport, int protocol, boolean ipv6) {
    return (ipv6 ? 1L << 48 : 0) | (long) protocol << 40 | (long) transport << 16 | ip;
  }

  /** The offset of the IP header in the frame. */
  static int ip(long location) {
    return (int) location & 0xffff;
  }

  /** The offset of the transport header in the frame. */
  static int transport(long location) {
    return (int) (location >>> 16) & 0xffffff;
  }

  /** The number of the transport protocol, for example {@link #TCP}. */
  static int protocol(long location) {
    return (int) (location >>> 40) & 0xff;
  }

  static boolean isIpv6(long location) {
    return (location >>> 48) != 0;
  }

  /** The length of the IP packet that its header states, header included. */
  static int statedBytes(ByteBuffer memory, int base, long location) {
    int ip = base + ip(location);
    return isIpv6(location) ? 40 + u16(memory, ip + 4) : u16(memory, ip + 2);
  }

  /** The sum over the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1). */
  static long pseudoHeaderSum(ByteBuffer memory, int base, long location, int transportBytes) {
    int ip = base + ip(location);
    int addresses =
        isIpv6(location)
            ? InternetChecksum.sum(memory, ip + 8, 32)
            : InternetChecksum.sum(memory, ip + 12, 8);
    return (long) addresses + protocol(location) + transportBytes;
  }

  /** An unsigned 16-bit number in network order. */
  static int u16(ByteBuffer memory, int index) {
    return (memory.get(index) & 0xff) << 8 | memory.get(index + 1) & 0xff;
  }

  /** Writes the lower 16 bits of a number in network order. */
  static void putU16(ByteBuffer memory, int index, int value) {
    memory.put(index, (byte) (value >>> 8));
    memory.put(index + 1, (byte) value);
  }
}
