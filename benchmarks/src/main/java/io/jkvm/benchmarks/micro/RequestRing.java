// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.micro;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.Virtqueue;

/**
 * A split ring (virtio 1.2, section 2.7) whose driver offers the same reads of a disk again and
 * again: a header, a page for the data, a status.
 */
public final class RequestRing {
  /** How much of guest memory there has to be, in bytes. */
  public static final int MEMORY_BYTES = 1 << 20;

  private static final int SIZE = 256;
  private static final int RINGS = 0x10000;
  private static final int TABLES = 0x30000;
  private static final int HEADER = 0x40000;
  private static final int STATUS = 0x40010;
  private static final int DATA = 0x41000;
  private static final int DATA_BYTES = 4096;
  private static final int HEADER_BYTES = 16;
  private static final int NEXT = 1;
  private static final int WRITE = 2;
  private static final int INDIRECT = 4;

  private final GuestMemory memory;
  private final Virtqueue queue;
  private final DescriptorChain request;
  private final long available;
  private int offered;

  /**
   * Writes the ring and its requests, of all zeroes: reads of the first sector.
   *
   * @param tables whether each request is an indirect table rather than a chain in the ring
   */
  public RequestRing(GuestMemory memory, boolean tables) throws GuestFault {
    this.memory = memory;
    available = RINGS + 16L * SIZE;
    long used = (available + 6 + 2L * SIZE + 3) & ~3L;
    int step = tables ? 1 : 3;
    for (int i = 0; i < SIZE; i++) {
      // Of direct chains there is room for a third as many.
      int head = i * step % (SIZE / 3 * step);
      memory.writeU16(available + 4 + 2L * i, head);
      if (tables) {
        descriptor(RINGS, head, TABLES + 48L * head, 48, INDIRECT, 0);
        chain(TABLES + 48L * head, 0);
      } else {
        chain(RINGS, head);
      }
    }
    queue = new Virtqueue(memory, SIZE, SIZE, RINGS, available, used, true, true);
    request = queue.newChain();
  }

  private void chain(long table, int first) throws GuestFault {
    descriptor(table, first, HEADER, HEADER_BYTES, NEXT, first + 1);
    descriptor(table, first + 1, DATA, DATA_BYTES, NEXT | WRITE, first + 2);
    descriptor(table, first + 2, STATUS, 1, WRITE, 0);
  }

  private void descriptor(long table, int index, long address, int bytes, int flags, int next)
      throws GuestFault {
    long at = table + 16L * index;
    memory.writeU64(at, address);
    memory.writeU32(at + 8, bytes);
    memory.writeU16(at + 12, flags);
    memory.writeU16(at + 14, next);
  }

  /** Has the driver offer one more, and finds it. */
  public DescriptorChain next() throws GuestFault {
    offered = (offered + 1) & 0xffff;
    memory.writeU16Release(available + 2, offered);
    if (!queue.poll(request)) {
      throw new IllegalStateException("no request");
    }
    return request;
  }

  /** Answers it; returns whether the driver wants to be interrupted. */
  public boolean answer() throws GuestFault {
    request.writeLastByte(0);
    queue.addUsed(request.head(), request.writableBytes());
    return queue.needsInterrupt();
  }
}
