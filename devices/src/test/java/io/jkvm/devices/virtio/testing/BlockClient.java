// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A driver of a disk with several queues that keeps several requests under way. */
public final class BlockClient {
  /** How much memory it takes, in bytes. */
  public static final int RAM = 4 << 20;

  /** How many requests may be under way. */
  public static final int SLOTS = 16;

  /** The largest request, in bytes. */
  public static final int MAX_BYTES = 64 << 10;

  private static final int RING_SIZE = 256;
  private static final long RINGS = 0x10000;
  private static final long RING_BYTES = 0x4000;
  private static final long HEADERS = 0x8000;
  private static final long SLOT_BYTES = 32;
  private static final long DATA = 1 << 20;
  private static final int UNDER_WAY = 0xee;

  private final GuestMemory memory;
  private final GuestDriver guest;
  private final List<Queue> queues = new ArrayList<>();

  private static final class Queue {
    private final SplitRingDriver ring;
    private final Map<Integer, Integer> slots = new HashMap<>();
    private int taken;

    Queue(SplitRingDriver ring) {
      this.ring = ring;
    }
  }

  /** Of a disk that is attached. */
  public BlockClient(GuestMemory memory, GuestDriver guest) {
    this.memory = memory;
    this.guest = guest;
  }

  /** Resets the device and begins with so many queues, without some of its features. */
  public void start(int count, long withoutFeatures) throws GuestFault {
    guest.negotiateWithout(withoutFeatures);
    queues.clear();
    for (int i = 0; i < count; i++) {
      SplitRingDriver ring = new SplitRingDriver(memory, RING_SIZE, RINGS + RING_BYTES * i);
      guest.setUpQueue(i, ring);
      queues.add(new Queue(ring));
    }
    guest.driverOk();
  }

  /** Where the data of a slot's request is, guest-physical. */
  public long data(int slot) {
    return DATA + (long) slot * MAX_BYTES;
  }

  /**
   * Offers a request.
   *
   * @param slot in which none is under way
   * @param bytes of {@link #data}; a flush has none
   */
  public void begin(int queue, int slot, int type, long sector, int bytes) throws GuestFault {
    long header = HEADERS + SLOT_BYTES * slot;
    memory.writeU32(header, type);
    memory.writeU32(header + 4, 0);
    memory.writeU64(header + 8, sector);
    memory.writeU8(header + 16, UNDER_WAY);
    Queue to = queues.get(queue);
    Buffer first = Buffer.out(header, 16);
    Buffer last = Buffer.in(header + 16, 1);
    int head;
    if (bytes == 0) {
      head = to.ring.add(first, last);
    } else {
      Buffer data =
          type == BlockDriver.IN ? Buffer.in(data(slot), bytes) : Buffer.out(data(slot), bytes);
      head = to.ring.add(first, data, last);
    }
    to.slots.put(head, slot);
    guest.notifyQueue(queue);
  }

  /** The slots of all requests that have been answered since the last call, in order. */
  public List<Integer> takeDone() throws GuestFault {
    List<Integer> done = new ArrayList<>();
    for (Queue queue : queues) {
      while (queue.taken != queue.ring.usedIndex()) {
        done.add(queue.slots.remove(queue.ring.usedId(queue.taken)));
        queue.taken = queue.taken + 1 & 0xffff;
      }
    }
    return done;
  }

  /** Waits for at least one answer. */
  public List<Integer> awaitDone() throws GuestFault {
    List<Integer> done = new ArrayList<>();
    if (!MmioDriver.await(() -> done.addAll(takeDone()))) {
      throw new AssertionError("no answer");
    }
    return done;
  }

  /** Makes a request, with nothing else under way, and waits for it; returns its status. */
  public int request(int queue, int type, long sector, int bytes) throws GuestFault {
    begin(queue, 0, type, sector, bytes);
    List<Integer> done = awaitDone();
    if (!done.equals(List.of(0))) {
      throw new AssertionError("answered: " + done);
    }
    return status(0);
  }

  /** What a slot's request was answered with. */
  public int status(int slot) throws GuestFault {
    return memory.readU8(HEADERS + SLOT_BYTES * slot + 16);
  }
}
