// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.nio.ByteBuffer;

/**
 * One request as the device saw it: a snapshot of a descriptor chain (virtio 1.2, section 2.7.5)
 * that the guest can no longer change. Every buffer lies inside guest RAM, is not empty, and all
 * device-readable buffers come before the device-writable ones.
 *
 * <p>Filled by {@link Virtqueue#poll} again and again, so that a request allocates nothing. Not
 * thread-safe.
 */
public final class DescriptorChain {
  private final GuestMemory memory;
  private final long[] guestAddresses;
  private final long[] hostAddresses;
  private final long[] lengths;
  private int head;
  private int count;
  private int ringDescriptors;
  private int readableCount;
  private long readableBytes;
  private long writableBytes;

  /**
   * An empty chain.
   *
   * @param capacity the longest chain it can hold, in descriptors
   */
  DescriptorChain(GuestMemory memory, int capacity) {
    this.memory = memory;
    guestAddresses = new long[capacity];
    hostAddresses = new long[capacity];
    lengths = new long[capacity];
  }

  void clear(int newHead) {
    head = newHead;
    count = 0;
    readableCount = 0;
    readableBytes = 0;
    writableBytes = 0;
  }

  void add(long guestAddress, long length, boolean writable) throws GuestFault {
    if (count == lengths.length) {
      throw new GuestFault("descriptor chain longer than " + lengths.length);
    }
    if (length == 0) {
      throw new GuestFault("descriptor of 0 bytes");
    }
    if (!writable && readableCount != count) {
      throw new GuestFault("device-readable descriptor after a device-writable one");
    }
    hostAddresses[count] = memory.hostAddress(guestAddress, length);
    guestAddresses[count] = guestAddress;
    lengths[count] = length;
    count++;
    if (writable) {
      writableBytes += length;
    } else {
      readableCount++;
      readableBytes += length;
    }
    if (readableBytes + writableBytes > 1L << 32) {
      throw new GuestFault("descriptor chain of more than 2^32 bytes");
    }
  }

  /** Index of the chain's first descriptor, which names the request in the used ring. */
  public int head() {
    return head;
  }

  /** The number of buffers. */
  public int count() {
    return count;
  }

  /** How many descriptors of the ring it takes, where an indirect table takes one. */
  public int ringDescriptors() {
    return ringDescriptors;
  }

  void ringDescriptors(int newCount) {
    ringDescriptors = newCount;
  }

  /** The number of device-readable buffers; they are the first ones. */
  public int readableCount() {
    return readableCount;
  }

  /** Bytes in all device-readable buffers, 0 to 2^32. */
  public long readableBytes() {
    return readableBytes;
  }

  /** Bytes in all device-writable buffers, 0 to 2^32. */
  public long writableBytes() {
    return writableBytes;
  }

  /** Where buffer {@code index} lies in this process, for system calls. */
  public long hostAddress(int index) {
    return hostAddresses[checkIndex(index)];
  }

  /** The length of buffer {@code index} in bytes, 1 to 2^32 - 1. */
  public long length(int index) {
    return lengths[checkIndex(index)];
  }

  /**
   * Copies from the device-readable part.
   *
   * @param offset into the device-readable bytes
   * @throws GuestFault if that part is too short
   */
  public void read(long offset, byte[] target, int length) throws GuestFault {
    int done = 0;
    long skip = checkSpan(offset, length, readableBytes);
    for (int i = 0; done < length; i++) {
      if (skip < lengths[i]) {
        int part = (int) Math.min(length - done, lengths[i] - skip);
        memory.read(guestAddresses[i] + skip, target, done, part);
        done += part;
        skip = 0;
      } else {
        skip -= lengths[i];
      }
    }
  }

  /**
   * Copies into the device-writable part.
   *
   * @param offset into the device-writable bytes
   * @throws GuestFault if that part is too short
   */
  public void write(long offset, byte[] source, int length) throws GuestFault {
    int done = 0;
    long skip = checkSpan(offset, length, writableBytes);
    for (int i = readableCount; done < length; i++) {
      if (skip < lengths[i]) {
        int part = (int) Math.min(length - done, lengths[i] - skip);
        memory.write(guestAddresses[i] + skip, source, done, part);
        done += part;
        skip = 0;
      } else {
        skip -= lengths[i];
      }
    }
  }

  /**
   * Copies from the device-readable part into a buffer, whose position does not matter and stays.
   *
   * @param offset into the device-readable bytes
   * @param from where in the target the bytes go
   * @throws GuestFault if that part is too short
   */
  public void read(long offset, ByteBuffer target, int from, int length) throws GuestFault {
    int done = 0;
    long skip = checkSpan(offset, length, readableBytes);
    for (int i = 0; done < length; i++) {
      if (skip < lengths[i]) {
        int part = (int) Math.min(length - done, lengths[i] - skip);
        memory.read(guestAddresses[i] + skip, target, from + done, part);
        done += part;
        skip = 0;
      } else {
        skip -= lengths[i];
      }
    }
  }

  /**
   * Copies into the device-writable part from a buffer, whose position does not matter and stays.
   *
   * @param offset into the device-writable bytes
   * @param from where in the source the bytes are
   * @throws GuestFault if that part is too short
   */
  public void write(long offset, ByteBuffer source, int from, int length) throws GuestFault {
    int done = 0;
    long skip = checkSpan(offset, length, writableBytes);
    for (int i = readableCount; done < length; i++) {
      if (skip < lengths[i]) {
        int part = (int) Math.min(length - done, lengths[i] - skip);
        memory.write(guestAddresses[i] + skip, source, from + done, part);
        done += part;
        skip = 0;
      } else {
        skip -= lengths[i];
      }
    }
  }

  /**
   * Appends the places of the device-readable bytes from {@code offset} to the end to a list.
   *
   * @throws GuestFault if there are not so many
   */
  public void readableRanges(long offset, IoVector ranges) throws GuestFault {
    long skip = checkSpan(offset, 0, readableBytes);
    for (int i = 0; i < readableCount; i++) {
      if (skip < lengths[i]) {
        ranges.add(hostAddresses[i] + skip, lengths[i] - skip);
        skip = 0;
      } else {
        skip -= lengths[i];
      }
    }
  }

  /**
   * Appends the places of a part of the device-readable bytes to a list.
   *
   * @throws GuestFault if there are not so many
   */
  public void readableRanges(long offset, long length, IoVector ranges) throws GuestFault {
    checkSpan(offset, length, readableBytes);
    ranges(0, offset, length, ranges);
  }

  /**
   * Appends the places of a part of the device-writable bytes to a list.
   *
   * @throws GuestFault if there are not so many
   */
  public void writableRanges(long offset, long length, IoVector ranges) throws GuestFault {
    checkSpan(offset, length, writableBytes);
    ranges(readableCount, offset, length, ranges);
  }

  private void ranges(int first, long offset, long length, IoVector ranges) {
    long skip = offset;
    long left = length;
    for (int i = first; left > 0; i++) {
      if (skip < lengths[i]) {
        long part = Math.min(left, lengths[i] - skip);
        ranges.add(hostAddresses[i] + skip, part);
        left -= part;
        skip = 0;
      } else {
        skip -= lengths[i];
      }
    }
  }

  /** Writes the last device-writable byte, where several devices have their status. */
  public void writeLastByte(int value) throws GuestFault {
    memory.writeU8(lastByteAddress(), value);
  }

  /**
   * Where the last device-writable byte is, for a device that answers after this object has become
   * another request.
   *
   * @return a guest-physical address
   * @throws GuestFault if there is none
   */
  public long lastByteAddress() throws GuestFault {
    checkSpan(0, 1, writableBytes);
    return guestAddresses[count - 1] + lengths[count - 1] - 1;
  }

  private static long checkSpan(long offset, long length, long available) throws GuestFault {
    if (offset < 0 || length < 0 || length > available - offset) {
      throw new GuestFault("request has " + available + " bytes, not " + offset + " + " + length);
    }
    return offset;
  }

  private int checkIndex(int index) {
    if (index < 0 || index >= count) {
      throw new IndexOutOfBoundsException(index);
    }
    return index;
  }
}
