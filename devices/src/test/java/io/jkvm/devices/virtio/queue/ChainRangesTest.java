// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** Parts of a request's bytes as lists for system calls: those asked for and no others. */
class ChainRangesTest {
  private static final int RAM = 1 << 20;
  private static final long OUT = 0x1_0000;
  private static final long IN = 0x2_0000;

  /** Readable 10 + 20 + 30 bytes, writable 5 + 15 + 40. */
  private static DescriptorChain chain(GuestMemory memory) throws GuestFault {
    SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
    ring.add(
        Buffer.out(OUT, 10),
        Buffer.out(OUT + 0x100, 20),
        Buffer.out(OUT + 0x200, 30),
        Buffer.in(IN, 5),
        Buffer.in(IN + 0x100, 15),
        Buffer.in(IN + 0x200, 40));
    Virtqueue queue = ring.device();
    DescriptorChain chain = queue.newChain();
    assertTrue(queue.poll(chain));
    return chain;
  }

  @Test
  void everyPartIsFound() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(RAM)) {
      byte[] numbers = new byte[60];
      for (int i = 0; i < 60; i++) {
        numbers[i] = (byte) i;
      }
      DescriptorChain chain = chain(memory);
      chain.write(0, numbers, 60);
      memory.write(OUT, numbers, 0, 10);
      memory.write(OUT + 0x100, numbers, 10, 20);
      memory.write(OUT + 0x200, numbers, 30, 30);
      for (int from = 0; from <= 60; from++) {
        for (int length = 0; length <= 60 - from; length++) {
          IoVector ranges = new IoVector(6);
          chain.readableRanges(from, length, ranges);
          assertNumbers(from, length, ranges);
          ranges.clear();
          chain.writableRanges(from, length, ranges);
          assertNumbers(from, length, ranges);
        }
      }
    }
  }

  private static void assertNumbers(int from, int length, IoVector ranges) {
    assertEquals(length, ranges.remainingBytes());
    ByteBuffer bytes = ByteBuffer.allocate(length);
    ranges.drain(bytes);
    for (int i = 0; i < length; i++) {
      assertEquals(from + i, bytes.get(i));
    }
  }

  @Test
  void whatIsNotThereIsAFault() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(RAM)) {
      DescriptorChain chain = chain(memory);
      IoVector ranges = new IoVector(6);
      for (long[] part :
          new long[][] {{0, 61}, {60, 1}, {61, 0}, {-1, 1}, {1, -1}, {1L << 40, 1}}) {
        assertThrows(GuestFault.class, () -> chain.readableRanges(part[0], part[1], ranges));
        assertThrows(GuestFault.class, () -> chain.writableRanges(part[0], part[1], ranges));
        assertEquals(0, ranges.count());
      }
    }
  }
}
