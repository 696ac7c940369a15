// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;

/**
 * What direct I/O demands of a transfer (open(2), O_DIRECT), in memory and in the file.
 *
 * @param memoryBytes each range of memory begins at a multiple
 * @param blockBytes the offset in the file and the length of each range are multiples
 */
record DirectAlignment(int memoryBytes, int blockBytes) {
  /** The least of what can be demanded. */
  static final DirectAlignment ANY = new DirectAlignment(1, 1);

  /** The most that is supported, for either. */
  static final int MAX_BYTES = 64 << 10;

  private static final int PAGE_BYTES = 4096;

  /** A guest's requests are multiples of it. */
  private static final int SECTOR_BYTES = 512;

  /** Whether both are what a file can be used with here. */
  boolean isSupported() {
    return isSupported(memoryBytes) && isSupported(blockBytes);
  }

  private static boolean isSupported(int bytes) {
    return bytes > 0 && bytes <= MAX_BYTES && Integer.bitCount(bytes) == 1;
  }

  /** What satisfies another demand, too. */
  DirectAlignment and(DirectAlignment other) {
    return new DirectAlignment(
        Math.max(memoryBytes, other.memoryBytes), Math.max(blockBytes, other.blockBytes));
  }

  /** Whether the kernel takes what is left of a transfer as it is. */
  boolean admits(IoVector data, long offset) {
    return down(offset) == offset && data.isAligned(memoryBytes, blockBytes);
  }

  /** Whether a guest can write a part of a block. */
  boolean hasPartialWrites() {
    return blockBytes > SECTOR_BYTES;
  }

  /** Memory for blocks, aligned to pages at least. */
  NativeMemory newMemory(int bytes) {
    return NativeMemory.aligned(bytes, Math.max(PAGE_BYTES, memoryBytes));
  }

  /** The start of the block that an offset is in. */
  long down(long offset) {
    return offset & -(long) blockBytes;
  }

  /** The end of the block that ends at an offset or behind it. */
  long up(long offset) {
    return down(offset + blockBytes - 1);
  }
}
