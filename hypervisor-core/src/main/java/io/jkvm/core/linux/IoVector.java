// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;

/**
 * A list of memory ranges for writev(2), preadv(2) and pwritev(2): {@code struct iovec[]} in native
 * memory, filled anew for each request. Not thread-safe.
 */
public final class IoVector {
  private static final int ENTRY_BYTES = 16;

  private final ByteBuffer entries;
  private final long base;
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
    this(new NativeMemory(capacity * ENTRY_BYTES), capacity);
  }

  private IoVector(NativeMemory memory, int capacity) {
    entries = memory.buffer(); // keeps the memory, too
    base = memory.address();
    this.capacity = capacity;
  }

  /**
   * An empty list in a part of a mapping, which must stay mapped as long as the list is used.
   *
   * @param offset where the list begins in the mapping, a multiple of 16
   */
  public IoVector(Mapping memory, long offset, int capacity) {
    entries = memory.buffer(offset, bytes(capacity));
    base = memory.address() + offset;
    this.capacity = capacity;
  }

  /** What a list of so many ranges takes of a mapping, in bytes. */
  public static long bytes(int capacity) {
    return (long) capacity * ENTRY_BYTES;
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
      entries.putLong(end * ENTRY_BYTES, address);
      entries.putLong(end * ENTRY_BYTES + 8, length);
      end++;
      remainingBytes += length;
    }
  }

  /** Appends all that is left of another list. */
  public void addAll(IoVector other) {
    for (int at = other.first * ENTRY_BYTES; at < other.end * ENTRY_BYTES; at += ENTRY_BYTES) {
      add(other.entries.getLong(at), other.entries.getLong(at + 8));
    }
  }

  /**
   * Whether all ranges that are left are as direct I/O wants them.
   *
   * @param addressAlignment in bytes, a power of two: each begins at a multiple
   * @param lengthAlignment in bytes, a power of two: each is as long as a multiple
   */
  public boolean isAligned(long addressAlignment, long lengthAlignment) {
    long beyond = 0;
    for (int at = first * ENTRY_BYTES; at < end * ENTRY_BYTES; at += ENTRY_BYTES) {
      beyond |= entries.getLong(at) & addressAlignment - 1;
      beyond |= entries.getLong(at + 8) & lengthAlignment - 1;
    }
    return beyond == 0;
  }

  /** Drops the first bytes, which have been transferred. */
  public void advance(long bytes) {
    checkRemaining(bytes);
    remainingBytes -= bytes;
    long left = bytes;
    while (left > 0) {
      int at = first * ENTRY_BYTES;
      long length = entries.getLong(at + 8);
      if (left < length) {
        entries.putLong(at, entries.getLong(at) + left);
        entries.putLong(at + 8, length - left);
        return;
      }
      left -= length;
      first++;
    }
  }

  private void checkRemaining(long bytes) {
    if (bytes < 0 || bytes > remainingBytes) {
      throw new IllegalArgumentException(bytes + " of " + remainingBytes + " bytes");
    }
  }

  /**
   * Copies bytes into the ranges that are left, in order, and drops what has been filled.
   *
   * @param source as many bytes as it has, at most {@link #remainingBytes}, are taken out of it
   */
  public void fill(ByteBuffer source) {
    while (source.hasRemaining() && first < end) {
      ByteBuffer range = firstRange(source.remaining());
      int length = range.remaining();
      range.put(source.slice(source.position(), length));
      source.position(source.position() + length);
      advance(length);
    }
  }

  /**
   * Copies bytes out of the ranges that are left, in order, and drops what has been taken.
   *
   * @param target takes as many bytes as it has room for, at most {@link #remainingBytes}
   */
  public void drain(ByteBuffer target) {
    while (target.hasRemaining() && first < end) {
      ByteBuffer range = firstRange(target.remaining());
      int length = range.remaining();
      target.put(range);
      advance(length);
    }
  }

  /**
   * As {@link #fill(ByteBuffer)}, from memory of this process and without garbage.
   *
   * @param source its address
   * @param bytes at most {@link #remainingBytes}
   */
  public void fill(long source, long bytes) {
    copy(source, bytes, true);
  }

  /**
   * As {@link #drain(ByteBuffer)}, to memory of this process and without garbage.
   *
   * @param target its address
   * @param bytes at most {@link #remainingBytes}
   */
  public void drain(long target, long bytes) {
    copy(target, bytes, false);
  }

  private void copy(long memory, long bytes, boolean fills) {
    checkRemaining(bytes);
    for (long done = 0; done < bytes; ) {
      long range = entries.getLong(first * ENTRY_BYTES);
      long length = Math.min(bytes - done, entries.getLong(first * ENTRY_BYTES + 8));
      Libc.memcpy(fills ? range : memory + done, fills ? memory + done : range, length);
      advance(length);
      done += length;
    }
  }

  private ByteBuffer firstRange(int maxBytes) {
    int at = first * ENTRY_BYTES;
    long length = Math.min(maxBytes, entries.getLong(at + 8));
    return new Pointer(entries.getLong(at)).getByteBuffer(0, length);
  }

  /** Address of the first {@code struct iovec} that is left. */
  public long address() {
    return base + (long) first * ENTRY_BYTES;
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
