// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The device's side of a split virtqueue (virtio 1.2, section 2.7), event index and indirect
 * descriptors included. Nothing the guest puts into the rings is trusted: what breaks the rules is
 * a {@link GuestFault}, after which the queue must not be used any more.
 *
 * <p>Used by one thread at a time. Nothing here allocates after the constructor.
 */
public final class Virtqueue {
  /** The largest queue of the specification. */
  public static final int MAX_SIZE = 32768;

  private static final VarHandle U16 =
      MethodHandles.byteBufferViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  private static final int DESCRIPTOR_BYTES = 16;
  private static final int F_NEXT = 1;
  private static final int F_WRITE = 2;
  private static final int F_INDIRECT = 4;
  private static final int RING_INDEX = 2;
  private static final int RING_ENTRIES = 4;
  private static final int AVAIL_F_NO_INTERRUPT = 1;
  private static final int USED_F_NO_NOTIFY = 1;

  private final GuestMemory memory;
  private final int maxSize;
  private final int size;

  // The rings, checked once and then used without looking for them in guest memory.
  private final ByteBuffer descriptors;
  private final ByteBuffer avail;
  private final ByteBuffer used;
  private final boolean eventIndex;
  private final boolean indirect;

  /** The next entry of the available ring to look at; 16 bits, wraps. */
  private int nextAvail;

  /** avail.idx when last looked at. */
  private int seenAvail;

  /** Our own used.idx: the copy in the guest's memory is never read back. 16 bits, wraps. */
  private int usedIndex;

  /** Entries written behind used.idx that the driver does not see yet. */
  private int staged;

  /** used.idx when the last interrupt was decided. */
  private int announcedIndex;

  /**
   * Checks the rings' place and takes them over with all indices 0.
   *
   * @param maxSize the device's limit in descriptors, also for chains with an indirect table
   * @param size as the driver set it; must be a power of two in 1..maxSize, unsigned
   * @param descriptors guest-physical address of the descriptor table, a multiple of 16
   * @param avail that of the available ring (driver area), a multiple of 2
   * @param used that of the used ring (device area), a multiple of 4
   * @param eventIndex VIRTIO_F_EVENT_IDX was negotiated
   * @param indirect VIRTIO_F_INDIRECT_DESC was negotiated
   * @throws GuestFault if a rule is broken or a ring is not wholly inside RAM
   */
  public Virtqueue(
      GuestMemory memory,
      int maxSize,
      int size,
      long descriptors,
      long avail,
      long used,
      boolean eventIndex,
      boolean indirect)
      throws GuestFault {
    if (size <= 0 || size > maxSize || Integer.bitCount(size) != 1) {
      throw new GuestFault(
          "queue size " + Integer.toUnsignedString(size) + " is not a power of two to " + maxSize);
    }
    this.descriptors = ring(memory, "descriptor table", descriptors, 16, DESCRIPTOR_BYTES * size);
    this.avail = ring(memory, "available ring", avail, 2, 6 + 2 * size);
    this.used = ring(memory, "used ring", used, 4, 6 + 8 * size);
    this.memory = memory;
    this.maxSize = maxSize;
    this.size = size;
    this.eventIndex = eventIndex;
    this.indirect = indirect;
  }

  private static ByteBuffer ring(
      GuestMemory memory, String what, long address, int alignment, int bytes) throws GuestFault {
    if ((address & (alignment - 1)) != 0) {
      throw new GuestFault(what + " at 0x" + Long.toHexString(address) + " is not aligned");
    }
    if (!memory.contains(address, bytes)) {
      throw new GuestFault(what + " at 0x" + Long.toHexString(address) + " is not inside RAM");
    }
    return memory.view(address, bytes);
  }

  /** The queue's size in descriptors. */
  public int size() {
    return size;
  }

  /** Guest RAM, where the requests' buffers are. */
  public GuestMemory memory() {
    return memory;
  }

  /** A chain object that every valid request of this queue fits. */
  public DescriptorChain newChain() {
    return new DescriptorChain(memory, maxSize);
  }

  /**
   * Takes the next request.
   *
   * @param into receives the request
   * @return false if the driver has none
   * @throws GuestFault if the ring or the chain breaks a rule
   */
  public boolean poll(DescriptorChain into) throws GuestFault {
    if (nextAvail == seenAvail) {
      int index = availIndexAcquire();
      int pending = (index - nextAvail) & 0xffff;
      if (pending == 0) {
        return false;
      }
      if (pending > size) {
        throw new GuestFault("avail.idx is " + pending + " ahead in a queue of " + size);
      }
      seenAvail = index;
    }
    int head = avail.getShort(RING_ENTRIES + 2 * (nextAvail & (size - 1))) & 0xffff;
    if (head >= size) {
      throw new GuestFault("head " + head + " in a queue of " + size);
    }
    into.clear(head);
    walk(into, head);
    nextAvail = (nextAvail + 1) & 0xffff;
    return true;
  }

  /** Leaves the request that was polled last in the ring: {@link #poll} takes it again. */
  public void putBack() {
    nextAvail = (nextAvail - 1) & 0xffff;
  }

  /** Whether the driver has added requests since {@link #poll} last looked for some. */
  public boolean hasMore() {
    return availIndexAcquire() != seenAvail;
  }

  /** Whether {@link #poll} would find a request. */
  public boolean hasPending() {
    return availIndexAcquire() != nextAvail;
  }

  private int availIndexAcquire() {
    return (short) U16.getAcquire(avail, RING_INDEX) & 0xffff;
  }

  private void walk(DescriptorChain into, int head) throws GuestFault {
    int index = head;
    for (int seen = 1; ; seen++) {
      long address = descriptors.getLong(DESCRIPTOR_BYTES * index);
      // Length, flags and next in one load.
      long rest = descriptors.getLong(DESCRIPTOR_BYTES * index + 8);
      long length = rest & 0xffff_ffffL;
      int flags = (int) (rest >>> 32) & 0xffff;
      int next = (int) (rest >>> 48);
      if ((flags & F_INDIRECT) != 0) {
        if (!indirect || (flags & F_NEXT) != 0) {
          throw new GuestFault("indirect descriptor not negotiated or with a next one");
        }
        walkIndirect(into, address, length);
        into.ringDescriptors(seen);
        return;
      }
      into.add(address, length, (flags & F_WRITE) != 0);
      if ((flags & F_NEXT) == 0) {
        into.ringDescriptors(seen);
        return;
      }
      if (next >= size || seen == size) {
        throw new GuestFault("descriptor chain loops or leaves the queue of " + size);
      }
      index = next;
    }
  }

  /** Section 2.7.5.3: one table, as the last descriptor of a chain, never nested. */
  private void walkIndirect(DescriptorChain into, long table, long bytes) throws GuestFault {
    long count = bytes / DESCRIPTOR_BYTES;
    if (count == 0 || bytes % DESCRIPTOR_BYTES != 0 || count > maxSize) {
      throw new GuestFault("indirect table of " + bytes + " bytes");
    }
    memory.checkRange(table, bytes);
    int index = 0;
    for (int seen = 1; ; seen++) {
      long at = table + (long) DESCRIPTOR_BYTES * index;
      long address = memory.readU64(at);
      long rest = memory.readU64(at + 8);
      long length = rest & 0xffff_ffffL;
      int flags = (int) (rest >>> 32) & 0xffff;
      int next = (int) (rest >>> 48);
      if ((flags & F_INDIRECT) != 0) {
        throw new GuestFault("nested indirect descriptor");
      }
      into.add(address, length, (flags & F_WRITE) != 0);
      if ((flags & F_NEXT) == 0) {
        return;
      }
      if (next >= count || seen == count) {
        throw new GuestFault("indirect chain loops or leaves its table of " + count);
      }
      index = next;
    }
  }

  /**
   * Gives a request back to the driver (section 2.7.8).
   *
   * @param head {@link DescriptorChain#head}
   * @param writtenBytes how many bytes were written, counted from the first device-writable one
   */
  public void addUsed(int head, long writtenBytes) {
    stageUsed(head, writtenBytes);
    publishUsed();
  }

  /**
   * Writes a used element that the driver sees only with {@link #publishUsed}: several buffers that
   * make up one frame must appear at once (section 5.1.6.4).
   *
   * @param head {@link DescriptorChain#head} of a chain that was polled
   * @param writtenBytes how many bytes were written, counted from the first device-writable one
   */
  public void stageUsed(int head, long writtenBytes) {
    int entry = RING_ENTRIES + 8 * ((usedIndex + staged) & (size - 1));
    used.putLong(entry, head | writtenBytes << 32);
    staged++;
  }

  /** Shows the driver all staged elements. */
  public void publishUsed() {
    usedIndex = (usedIndex + staged) & 0xffff;
    staged = 0;
    U16.setRelease(used, RING_INDEX, (short) usedIndex);
  }

  /**
   * Takes the staged elements back: {@link #poll} gives their chains again. Only where every chain
   * since the last publication was staged.
   *
   * @param polled chains polled since then, staged or not
   */
  public void takeBack(int polled) {
    nextAvail = (nextAvail - polled) & 0xffff;
    staged = 0;
  }

  /**
   * Whether the driver wants an interrupt for what was added since the last call (section 2.7.7).
   */
  public boolean needsInterrupt() {
    int added = (usedIndex - announcedIndex) & 0xffff;
    if (added == 0) {
      return false;
    }
    announcedIndex = usedIndex;
    // The driver writes its wish and then reads used.idx; we did the reverse: a fence on each side.
    VarHandle.fullFence();
    if (eventIndex) {
      int event = (short) U16.getAcquire(avail, RING_ENTRIES + 2 * size) & 0xffff;
      return ((usedIndex - event - 1) & 0xffff) < added;
    }
    return ((short) U16.getAcquire(avail, 0) & AVAIL_F_NO_INTERRUPT) == 0;
  }

  /** Tells the driver that it need not notify, since the queue is being looked at anyway. */
  public void disableNotifications() {
    // With the event index, an avail_event left behind says the same (section 2.7.10).
    if (!eventIndex) {
      U16.setRelease(used, 0, (short) USED_F_NO_NOTIFY);
    }
  }

  /**
   * Asks the driver for a notification with the next request that {@link #poll} has not seen.
   *
   * @return true if one came in the meantime, for which no notification may come: poll again
   */
  public boolean enableNotifications() {
    if (eventIndex) {
      U16.setRelease(used, RING_ENTRIES + 8 * size, (short) seenAvail);
    } else {
      U16.setRelease(used, 0, (short) 0);
    }
    VarHandle.fullFence();
    return hasMore();
  }
}
