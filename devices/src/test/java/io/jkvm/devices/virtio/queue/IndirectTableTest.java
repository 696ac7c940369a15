// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import static io.jkvm.devices.virtio.testing.Buffer.in;
import static io.jkvm.devices.virtio.testing.Buffer.out;
import static io.jkvm.devices.virtio.testing.SplitRingDriver.INDIRECT;
import static io.jkvm.devices.virtio.testing.SplitRingDriver.NEXT;
import static io.jkvm.devices.virtio.testing.SplitRingDriver.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
class IndirectTableTest extends RingFixture {
  @Test
  void indirectTable() throws GuestFault {
    int head = driver.addIndirect(TABLE, out(DATA, 16), in(DATA + 512, 512), in(DATA, 1));
    DescriptorChain chain = poll(driver.device());
    assertEquals(head, chain.head());
    assertEquals(3, chain.count());
    assertEquals(513, chain.writableBytes());
  }

  @Test
  void indirectTableAfterDirectDescriptors() throws GuestFault {
    driver.descriptor(0, DATA, 16, NEXT, 1);
    // The write flag of a descriptor that refers to a table means nothing (section 2.7.5.3.2).
    driver.descriptor(1, TABLE, 16, INDIRECT | WRITE, 0);
    driver.descriptor(TABLE, 0, DATA, 5, WRITE, 0);
    driver.offer(0);
    DescriptorChain chain = poll(driver.device());
    assertEquals(2, chain.count());
    assertEquals(16, chain.readableBytes());
    assertEquals(5, chain.writableBytes());
  }

  @Test
  void indirectNeedsNegotiation() throws GuestFault {
    driver.addIndirect(TABLE, in(DATA, 1));
    assertPollFails(driver.device(true, false), "not negotiated");
  }

  @Test
  void indirectWithNextIsRefused() throws GuestFault {
    driver.addIndirect(TABLE, in(DATA, 1));
    driver.descriptor(0, TABLE, 16, INDIRECT | NEXT, 1);
    assertPollFails("with a next one");
  }

  @Test
  void nestedIndirectIsRefused() throws GuestFault {
    driver.descriptor(TABLE, 0, TABLE, 16, INDIRECT, 0);
    driver.descriptor(0, TABLE, 16, INDIRECT, 0);
    driver.offer(0);
    assertPollFails("nested");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 15, 17, 24, 16 * (SIZE + 1), 1 << 20, -16, -1})
  void indirectTableOfOddLengthIsRefused(int bytes) throws GuestFault {
    driver.descriptor(TABLE, 0, DATA, 1, WRITE, 0);
    driver.descriptor(0, TABLE, bytes, INDIRECT, 0);
    driver.offer(0);
    assertPollFails("indirect table of");
  }

  @Test
  void indirectTableMustBeInRam() throws GuestFault {
    driver.descriptor(0, GuestMemory.LOW_RAM_LIMIT - 16, 32, INDIRECT, 0);
    driver.descriptor(GuestMemory.LOW_RAM_LIMIT - 16, 0, DATA, 1, WRITE, 0);
    driver.offer(0);
    assertPollFails("not guest RAM");
    driver.descriptor(0, -16, 32, INDIRECT, 0);
    assertPollFails("not guest RAM");
  }

  @Test
  void indirectNextMustBeInTheTable() throws GuestFault {
    driver.descriptor(TABLE, 0, DATA, 1, NEXT, 2);
    driver.descriptor(TABLE, 2, DATA, 1, WRITE, 0);
    driver.descriptor(0, TABLE, 32, INDIRECT, 0);
    driver.offer(0);
    assertPollFails("leaves its table");
  }

  @Test
  void indirectLoopIsRefused() throws GuestFault {
    driver.descriptor(TABLE, 0, DATA, 1, NEXT, 1);
    driver.descriptor(TABLE, 1, DATA, 1, NEXT, 0);
    driver.descriptor(0, TABLE, 32, INDIRECT, 0);
    driver.offer(0);
    assertPollFails("loops");
  }

  @Test
  void directAndIndirectTogetherAreBounded() throws GuestFault {
    driver.descriptor(0, DATA, 1, NEXT, 1);
    driver.descriptor(1, TABLE, 16 * SIZE, INDIRECT, 0);
    for (int i = 0; i < SIZE; i++) {
      driver.descriptor(TABLE, i, DATA, 1, i < SIZE - 1 ? NEXT : 0, i + 1);
    }
    driver.offer(0);
    assertPollFails("longer than 8");
  }
}
