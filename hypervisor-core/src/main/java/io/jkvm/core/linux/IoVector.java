// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

/**
 * A list of memory ranges for writev(2), preadv(2) and pwritev(2): {@code struct iovec[]} in native
 * memory, filled anew for each request. Not thread-safe.
 */
public final class IoVector {
  private static final int ENTRY_BYTES = 16;

  private final NativeMemory entries;
  private final int capacity;
  private int first;
  private int end;
  private long remainingBytes;

  /**
   * An empty list.
   *
   * @param capacity how many ranges it can hold
   */
  public IoVector(int capacity) {
    this.capacity = capacity;
    entries = new NativeMemory(capacity * ENTRY_BYTES);
  }

  /** Removes all ranges. */
  public void clear() {
    first = 0;
    end = 0;
    remainingBytes = 0;
  }

  /**
   * Appends a range; one of 0 bytes is left out.
   *
   * @param address in this process
   */
  public void add(long address, long length) {
    if (end == capacity) {
      throw new IllegalStateException("more than " + capacity + " ranges");
    }
    if (length > 0) {
      entries.buffer().putLong(end * ENTRY_BYTES, address);
      entries.buffer().putLong(end * ENTRY_BYTES + 8, length);
      end++;
      remainingBytes += length;
    }
  }

  /** Appends all that is left of another list. */
  public void addAll(IoVector other) {
    for (int at = other.first * ENTRY_BYTES; at < other.end * ENTRY_BYTES; at += ENTRY_BYTES) {
      add(other.entries.buffer().getLong(at), other.entries.buffer().getLong(at + 8));
    }
  }

  /** Drops the first bytes, which have been transferred. */
  public void advance(long bytes) {
    if (bytes < 0 || bytes > remainingBytes) {
      throw new IllegalArgumentException(bytes + " of " + remainingBytes + " bytes");
    }
    remainingBytes -= bytes;
    long left = bytes;
    while (left > 0) {
      int at = first * ENTRY_BYTES;
      long length = entries.buffer().getLong(at + 8);
      if (left < length) {
        entries.buffer().putLong(at, entries.buffer().getLong(at) + left);
        entries.buffer().putLong(at + 8, length - left);
        return;
      }
      left -= length;
      first++;
    }
  }

  /** Address of the first {@code struct iovec} that is left. */
  public long address() {
    return entries.address() + (long) first * ENTRY_BYTES;
  }

  /** How many ranges are left. */
  public int count() {
    return end - first;
  }

  /** How many bytes are left. */
  public long remainingBytes() {
    return remainingBytes;
  }
}
