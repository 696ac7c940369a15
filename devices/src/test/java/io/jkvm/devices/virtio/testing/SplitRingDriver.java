// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.queue.Virtqueue;

/**
 * The driver's side of a split virtqueue in guest memory, polite by default and as rude as a test
 * wants: every field can be set to anything.
 */
public final class SplitRingDriver {
  public static final int NEXT = 1;
  public static final int WRITE = 2;
  public static final int INDIRECT = 4;

  private final GuestMemory memory;
  private final int size;
  private final long base;
  private int availIndex;
  private int nextFree;

  /**
   * Lays out the rings from {@code base} on, a multiple of 16; zeroes them.
   *
   * @param size a power of two
   */
  public SplitRingDriver(GuestMemory memory, int size, long base) throws GuestFault {
    this.memory = memory;
    this.size = size;
    this.base = base;
    byte[] zeroes = new byte[(int) (end() - base)];
    memory.write(base, zeroes, 0, zeroes.length);
  }

  public int size() {
    return size;
  }

  public long descriptors() {
    return base;
  }

  public long avail() {
    return base + 16L * size;
  }

  public long used() {
    return (avail() + 6 + 2L * size + 3) & ~3L;
  }

  /** The first address after the rings. */
  public long end() {
    return used() + 6 + 8L * size;
  }

  /** The device's side with both ring features. */
  public Virtqueue device() throws GuestFault {
    return device(true, true);
  }

  public Virtqueue device(boolean eventIndex, boolean indirect) throws GuestFault {
    return new Virtqueue(memory, size, size, base, avail(), used(), eventIndex, indirect);
  }

  public void descriptor(int index, long address, int length, int flags, int next)
      throws GuestFault {
    descriptor(base, index, address, length, flags, next);
  }

  /** Writes a descriptor of any table. */
  public void descriptor(long table, int index, long address, int length, int flags, int next)
      throws GuestFault {
    long at = table + 16L * index;
    memory.writeU64(at, address);
    memory.writeU32(at + 8, length);
    memory.writeU16(at + 12, flags);
    memory.writeU16(at + 14, next);
  }

  /** Writes a chain into the descriptor table and offers it; returns its head. */
  public int add(Buffer... buffers) throws GuestFault {
    int head = nextFree;
    for (int i = 0; i < buffers.length; i++) {
      boolean last = i == buffers.length - 1;
      int next = (nextFree + 1) % size;
      writeBuffer(base, nextFree, buffers[i], last, next);
      nextFree = next;
    }
    offer(head);
    return head;
  }

  /** The same with an indirect table at {@code table}. */
  public int addIndirect(long table, Buffer... buffers) throws GuestFault {
    for (int i = 0; i < buffers.length; i++) {
      writeBuffer(table, i, buffers[i], i == buffers.length - 1, i + 1);
    }
    int head = nextFree;
    descriptor(head, table, 16 * buffers.length, INDIRECT, 0);
    nextFree = (nextFree + 1) % size;
    offer(head);
    return head;
  }

  private void writeBuffer(long table, int index, Buffer buffer, boolean last, int next)
      throws GuestFault {
    int flags = (buffer.writable() ? WRITE : 0) | (last ? 0 : NEXT);
    descriptor(table, index, buffer.address(), buffer.length(), flags, next);
  }

  /** Puts a head into the available ring and publishes it. */
  public void offer(int head) throws GuestFault {
    memory.writeU16(avail() + 4 + 2L * (availIndex & (size - 1)), head);
    availIndex = (availIndex + 1) & 0xffff;
    memory.writeU16Release(avail() + 2, availIndex);
  }

  /** Writes avail.idx to anything. */
  public void availIndex(int index) throws GuestFault {
    availIndex = index & 0xffff;
    memory.writeU16Release(avail() + 2, availIndex);
  }

  public int availIndex() {
    return availIndex;
  }

  public void availFlags(int flags) throws GuestFault {
    memory.writeU16(avail(), flags);
  }

  public void usedEvent(int index) throws GuestFault {
    memory.writeU16(avail() + 4 + 2L * size, index);
  }

  public int availEvent() throws GuestFault {
    return memory.readU16(used() + 4 + 8L * size);
  }

  public int usedFlags() throws GuestFault {
    return memory.readU16(used());
  }

  public int usedIndex() throws GuestFault {
    return memory.readU16Acquire(used() + 2);
  }

  /** The head in entry {@code index} (wrapping) of the used ring. */
  public int usedId(int index) throws GuestFault {
    return memory.readU32(used() + 4 + 8L * (index & (size - 1)));
  }

  /** The length in entry {@code index} (wrapping) of the used ring. */
  public int usedLength(int index) throws GuestFault {
    return memory.readU32(used() + 8 + 8L * (index & (size - 1)));
  }
}
