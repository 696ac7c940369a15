// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The Internet checksum: the complement of the one's complement sum of 16-bit words in network
 * order (RFC 1071). Sums of parts may be added with {@code +}, at most 32768 of them, if all parts
 * but the last have even lengths.
 */
public final class InternetChecksum {
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private InternetChecksum() {}

  /**
   * The sum, not yet complemented, of bytes at any alignment; a missing last byte counts as zero.
   *
   * @param memory absolute access only; its byte order does not matter
   * @param index where the first word begins
   * @param length in bytes, 0 to 2^30, odd or even
   * @return 0 to 0xffff
   */
  public static int sum(ByteBuffer memory, int index, int length) {
    int end = index + length;
    int at = index;
    // The sum of the upper halves tells the carries out of the lower ones, so that the lower sum
    // need not be kept: two additions and a shift for eight bytes. Two chains run side by side.
    long all0 = 0;
    long all1 = 0;
    long upper0 = 0;
    long upper1 = 0;
    for (; at <= end - 32; at += 32) {
      long word0 = (long) LONG.get(memory, at);
      long word1 = (long) LONG.get(memory, at + 8);
      long word2 = (long) LONG.get(memory, at + 16);
      long word3 = (long) LONG.get(memory, at + 24);
      all0 += word0;
      all1 += word1;
      upper0 += word0 >>> 32;
      upper1 += word1 >>> 32;
      all0 += word2;
      all1 += word3;
      upper0 += word2 >>> 32;
      upper1 += word3 >>> 32;
    }
    for (; at <= end - 8; at += 8) {
      long word = (long) LONG.get(memory, at);
      all0 += word;
      upper0 += word >>> 32;
    }
    long upper = upper0 + upper1;
    long total = all0 + all1 - (upper << 32) + upper;
    for (int shift = 0; at < end; at++, shift += 8) {
      total += (memory.get(at) & 0xffL) << shift;
    }
    // Words were read little-endian; swapping the bytes of the sum is as good (RFC 1071, 2B).
    int sum = fold((total >>> 32) + (total & 0xffffffffL));
    return (sum & 0xff) << 8 | sum >>> 8;
  }

  /** Adds the carries of a sum of sums, not negative, until it fits 16 bits. */
  public static int fold(long sum) {
    long folded = sum;
    while (folded > 0xffff) {
      folded = (folded >>> 16) + (folded & 0xffff);
    }
    return (int) folded;
  }

  /**
   * The checksum field for a sum of sums. Zero, which means "no checksum" in UDP, becomes 0xffff,
   * which is the same number.
   */
  public static int complement(long sum) {
    int checksum = ~fold(sum) & 0xffff;
    return checksum == 0 ? 0xffff : checksum;
  }
}
