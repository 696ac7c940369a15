// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import static io.jkvm.devices.virtio.testing.Buffer.in;
import static io.jkvm.devices.virtio.testing.Buffer.out;
import static io.jkvm.devices.virtio.testing.SplitRingDriver.NEXT;
import static io.jkvm.devices.virtio.testing.SplitRingDriver.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
class VirtqueueTest extends RingFixture {
  private GuestFault assertRefused(int size, long descriptors, long avail, long used) {
    return assertThrows(
        GuestFault.class,
        () -> new Virtqueue(memory, 256, size, descriptors, avail, used, true, true));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 6, 255, 512, 65536, -1, Integer.MIN_VALUE, -256})
  void refusesSizesThatAreNoPowerOfTwoUpToTheLimit(int size) {
    assertTrue(assertRefused(size, 0x1000, 0x10000, 0x20000).getMessage().contains("queue size"));
  }

  @Test
  void acceptsAllPowersOfTwoUpToTheLimit() throws GuestFault {
    for (int size = 1; size <= 256; size *= 2) {
      assertEquals(size, new Virtqueue(memory, 256, size, 0, 0x10000, 0x20000, true, true).size());
    }
  }

  @Test
  void refusesMisalignedRings() {
    for (long off : new long[] {1, 2, 4, 8, 15}) {
      assertRefused(SIZE, 0x1000 + off, 0x10000, 0x20000);
    }
    assertRefused(SIZE, 0x1000, 0x10001, 0x20000);
    assertRefused(SIZE, 0x1000, 0x10000, 0x20001);
    assertRefused(SIZE, 0x1000, 0x10000, 0x20002);
  }

  @Test
  void refusesRingsThatAreNotWhollyInRam() throws GuestFault {
    long top = GuestMemory.LOW_RAM_LIMIT;
    long descriptorBytes = 16 * SIZE;
    long availBytes = 6 + 2 * SIZE;
    long usedBytes = 6 + 8 * SIZE;
    new Virtqueue(memory, 256, SIZE, top - descriptorBytes, 0, 0x1000, true, true);
    assertRefused(SIZE, top - descriptorBytes + 16, 0, 0x1000);
    new Virtqueue(memory, 256, SIZE, 0x1000, top - availBytes, 0x2000, true, true);
    assertRefused(SIZE, 0x1000, top - availBytes + 2, 0x2000);
    new Virtqueue(memory, 256, SIZE, 0x1000, 0, (top - usedBytes) & ~3, true, true);
    assertRefused(SIZE, 0x1000, 0, ((top - usedBytes) & ~3) + 4);
    assertRefused(SIZE, -16, 0, 0x1000);
    assertRefused(SIZE, 0x1000, -2, 0x2000);
    assertRefused(SIZE, 0x1000, 0x2000, 0x8000_0000_0000_0000L);
  }

  @Test
  void anEmptyRingPollsNothing() throws GuestFault {
    Virtqueue queue = driver.device();
    assertFalse(queue.poll(queue.newChain()));
  }

  @Test
  void aChainIsReadInOrder() throws GuestFault {
    byte[] text = "headertail".getBytes(StandardCharsets.US_ASCII);
    memory.write(DATA, text, 0, 6);
    memory.write(DATA + 100, text, 6, 4);
    int head = driver.add(out(DATA, 6), out(DATA + 100, 4), in(DATA + 200, 3), in(DATA + 300, 2));
    DescriptorChain chain = poll(driver.device());
    assertEquals(head, chain.head());
    assertEquals(4, chain.count());
    assertEquals(2, chain.readableCount());
    assertEquals(10, chain.readableBytes());
    assertEquals(5, chain.writableBytes());
    assertEquals(memory.hostAddress(DATA + 200, 3), chain.hostAddress(2));
    byte[] read = new byte[8];
    chain.read(1, read, 8);
    assertEquals("eadertai", new String(read, StandardCharsets.US_ASCII));
    chain.write(1, text, 3);
    chain.writeLastByte(7);
    assertEquals('h', memory.readU8(DATA + 201));
    assertEquals('e', memory.readU8(DATA + 202));
    assertEquals('a', memory.readU8(DATA + 300));
    assertEquals(7, memory.readU8(DATA + 301));
    assertThrows(GuestFault.class, () -> chain.read(3, read, 8));
    assertThrows(GuestFault.class, () -> chain.write(3, text, 3));
    assertThrows(IndexOutOfBoundsException.class, () -> chain.length(4));
  }

  @Test
  void availIndexMayBeAheadByTheQueueSizeAndNoMore() throws GuestFault {
    for (int i = 0; i < SIZE; i++) {
      driver.descriptor(i, DATA, 1, WRITE, 0);
      driver.offer(i);
    }
    Virtqueue queue = driver.device();
    DescriptorChain chain = queue.newChain();
    for (int i = 0; i < SIZE; i++) {
      assertTrue(queue.poll(chain));
      assertEquals(i, chain.head());
    }
    driver.availIndex(SIZE + SIZE + 1);
    assertPollFails(queue, "avail.idx is 9 ahead");
    driver.availIndex(SIZE - 1);
    assertPollFails(queue, "avail.idx is 65535 ahead");
  }

  @Test
  void indicesWrapAt16Bits() throws GuestFault {
    Virtqueue queue = driver.device();
    DescriptorChain chain = queue.newChain();
    for (int i = 0; i < 70_000; i++) {
      int head = driver.add(in(DATA + i % 1000, 1));
      assertTrue(queue.poll(chain));
      assertEquals(head, chain.head());
      queue.addUsed(head, i);
      assertEquals((i + 1) & 0xffff, driver.usedIndex());
      assertEquals(head, driver.usedId(i));
      assertEquals(i, driver.usedLength(i));
      assertFalse(queue.poll(chain));
      assertFalse(queue.enableNotifications());
    }
  }

  @Test
  void headMustBeInTheQueue() throws GuestFault {
    // Beyond the table lies memory that would make a valid descriptor.
    memory.writeU64(RINGS + 16 * SIZE, DATA);
    driver.offer(SIZE);
    assertPollFails("head 8");
    memory.writeU16(driver.avail() + 4, 0xffff);
    assertPollFails("head 65535");
  }

  @Test
  void nextMustBeInTheQueue() throws GuestFault {
    driver.descriptor(0, DATA, 16, NEXT, SIZE);
    driver.offer(0);
    assertPollFails("leaves the queue");
    driver.descriptor(0, DATA, 16, NEXT, 0xffff);
    assertPollFails("leaves the queue");
  }

  @Test
  void aLoopIsRefused() throws GuestFault {
    driver.descriptor(0, DATA, 16, NEXT, 0);
    driver.offer(0);
    assertPollFails("loops");
    driver.descriptor(0, DATA, 16, NEXT, 1);
    driver.descriptor(1, DATA, 16, NEXT, 0);
    assertPollFails("loops");
  }

  /** A device whose limit is above the driver's choice of a size has room for a loop in a chain. */
  @Test
  void aLoopIsRefusedWhenTheDeviceTakesLongerChains() throws GuestFault {
    driver.descriptor(0, DATA, 16, NEXT, 1);
    driver.descriptor(1, DATA, 16, NEXT, 0);
    driver.offer(0);
    Virtqueue queue =
        new Virtqueue(
            memory, Virtqueue.MAX_SIZE, SIZE, RINGS, driver.avail(), driver.used(), true, true);
    assertPollFails(queue, "loops");
  }

  @Test
  void aChainMayHaveTheQueueSize() throws GuestFault {
    Buffer[] buffers = new Buffer[SIZE];
    for (int i = 0; i < SIZE; i++) {
      buffers[i] = in(DATA + i, 1);
    }
    driver.add(buffers);
    assertEquals(SIZE, poll(driver.device()).count());
  }

  @Test
  void readableAfterWritableIsRefused() throws GuestFault {
    driver.add(out(DATA, 1), in(DATA, 1), out(DATA, 1));
    assertPollFails("device-readable");
    SplitRingDriver second = new SplitRingDriver(memory, SIZE, 0x4000);
    second.addIndirect(TABLE, in(DATA, 1), out(DATA, 1));
    assertPollFails(second.device(), "device-readable");
  }

  @Test
  void emptyDescriptorIsRefused() throws GuestFault {
    driver.add(out(DATA, 16), in(DATA, 0));
    assertPollFails("0 bytes");
  }

  @Test
  void buffersMustBeInRam() throws GuestFault {
    long hole = GuestMemory.LOW_RAM_LIMIT;
    long high = GuestMemory.HIGH_RAM_START;
    Buffer[] bad = {
      in(hole - 8, 16),
      in(hole, 1),
      in(high - 1, 2),
      in(hole - 4096, 0x4000_2000),
      in(high + (2 << 20), 1),
      in(high + (2 << 20) - 1, 2),
      in(-1, 1),
      in(-8, 16),
      in(0x8000_0000_0000_0000L, 16),
      in(0, -1),
      in(0xffff_ffff_ffff_f000L, 0x2000),
    };
    for (Buffer buffer : bad) {
      SplitRingDriver ring = new SplitRingDriver(memory, SIZE, RINGS);
      ring.add(buffer);
      assertPollFails(ring.device(), "not guest RAM");
      ring = new SplitRingDriver(memory, SIZE, RINGS);
      ring.addIndirect(TABLE, buffer);
      assertPollFails(ring.device(), "not guest RAM");
    }
    SplitRingDriver ring = new SplitRingDriver(memory, SIZE, RINGS);
    ring.add(in(hole - 16, 16), in(high, 2 << 20));
    assertEquals((2 << 20) + 16, poll(ring.device()).writableBytes());
  }

  @Test
  void sumOfLengthsIsBoundedIn64Bits() throws GuestFault {
    int threeQuarters = 0xc000_0000;
    driver.add(in(0, threeQuarters), in(0, 0x4000_0000), in(0, 1));
    assertPollFails("2^32");
    SplitRingDriver ring = new SplitRingDriver(memory, SIZE, 0x4000);
    ring.add(in(0, threeQuarters), in(0, 0x4000_0000));
    assertEquals(1L << 32, poll(ring.device()).writableBytes());
  }

  @Test
  void aChainIsASnapshot() throws GuestFault {
    driver.add(out(DATA, 16), in(DATA + 64, 32));
    DescriptorChain chain = poll(driver.device());
    driver.descriptor(0, -1, -1, 0xffff, 0xffff);
    driver.descriptor(1, -1, -1, 0xffff, 0xffff);
    assertEquals(2, chain.count());
    assertEquals(32, chain.length(1));
    assertEquals(memory.hostAddress(DATA + 64, 32), chain.hostAddress(1));
    chain.write(0, new byte[32], 32);
  }

  /** A second fetch would sooner or later see another length than the one that was checked. */
  @Test
  void descriptorsAreFetchedOnce() throws Exception {
    driver.descriptor(0, DATA, 512, WRITE, 0);
    AtomicBoolean stop = new AtomicBoolean();
    Thread flipper =
        new Thread(
            () -> {
              try {
                for (int i = 0; !stop.get(); i++) {
                  memory.writeU32Release(RINGS + 8, i % 2 == 0 ? 0xffff_ff00 : 512);
                }
              } catch (GuestFault e) {
                throw new IllegalStateException(e);
              }
            });
    flipper.start();
    int seen = 0;
    try {
      Virtqueue queue = driver.device();
      DescriptorChain chain = queue.newChain();
      driver.offer(0);
      for (int i = 0; i < 300_000; i++) {
        try {
          queue.poll(chain);
          driver.offer(0);
          assertEquals(512, chain.length(0));
          assertEquals(512, chain.writableBytes());
          seen++;
        } catch (GuestFault e) {
          assertTrue(e.getMessage().contains("not guest RAM"));
        }
      }
    } finally {
      stop.set(true);
      flipper.join();
    }
    assertTrue(seen > 0);
  }

  @Test
  void usedIndexIsNeverReadBack() throws GuestFault {
    Virtqueue queue = driver.device();
    queue.addUsed(3, 10);
    memory.writeU16(driver.used() + 2, 0x1234);
    queue.addUsed(5, 20);
    assertEquals(2, driver.usedIndex());
    assertEquals(5, driver.usedId(1));
    assertEquals(20, driver.usedLength(1));
  }
}
