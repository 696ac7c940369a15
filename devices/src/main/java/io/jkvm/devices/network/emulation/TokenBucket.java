// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;

/**
 * Says when a frame may leave a link of limited rate. The bucket is kept as the time at which it
 * will be full again (the virtual scheduling of ITU-T I.371, A.2), so nothing has to fill it.
 */
final class TokenBucket {
  /** What may leave at once after a pause, as time on the link; 0.5 % of a second. */
  private static final long BURST_NANOS = 5_000_000L;

  // A frame's headers cannot be longer: VLAN tags, IPv6 with extensions, TCP with options.
  private static final int MAX_HEADERS = 256;
  private static final long MAX_COST_NANOS = 3_600_000_000_000L;

  private final long bitsPerSecond;
  private long full;

  /**
   * A full bucket.
   *
   * @param bitsPerSecond 0 for a link without limit
   * @param now the present {@link System#nanoTime}
   */
  TokenBucket(long bitsPerSecond, long now) {
    this.bitsPerSecond = bitsPerSecond;
    this.full = now;
  }

  /** When a frame that came now may leave; never before the one that came before it. */
  long leave(Frame frame, long now) {
    if (bitsPerSecond == 0) {
      return now;
    }
    long start = full - now > BURST_NANOS ? full - BURST_NANOS : now;
    full = (full - now > 0 ? full : now) + cost(wireBytes(frame));
    return start;
  }

  private long cost(long bytes) {
    return Math.min(MAX_COST_NANOS, (bytes * 8_000_000_000L + bitsPerSecond - 1) / bitsPerSecond);
  }

  /** The bytes of a frame, or of all the segments that it will be cut into. */
  static long wireBytes(Frame frame) {
    VnetHeader header = frame.header();
    int length = frame.length();
    if (header.gsoType() == VnetHeader.GSO_NONE || header.gsoSize() == 0) {
      return length;
    }
    // Both are a guest's word, which may cost it some of its own rate if it lies.
    int headers = Math.min(header.headerBytes(), Math.min(length, MAX_HEADERS));
    long more = Math.max(0, (length - headers - 1) / header.gsoSize());
    return length + more * headers;
  }
}
