// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Guest RAM with a hole, and a small ring of a fake driver. */
abstract class RingFixture {
  static final int SIZE = 8;
  static final long RINGS = 0x1000;
  static final long DATA = 0x10000;
  static final long TABLE = 0x20000;

  GuestMemory memory;
  SplitRingDriver driver;

  @BeforeEach
  void allocate() throws Exception {
    memory = GuestMemory.allocate(GuestMemory.LOW_RAM_LIMIT + (2L << 20));
    driver = new SplitRingDriver(memory, SIZE, RINGS);
  }

  @AfterEach
  void free() {
    memory.close();
  }

  final DescriptorChain poll(Virtqueue queue) throws GuestFault {
    DescriptorChain chain = queue.newChain();
    assertTrue(queue.poll(chain), "nothing to poll");
    return chain;
  }

  final void assertPollFails(String why) throws GuestFault {
    assertPollFails(driver.device(), why);
  }

  final void assertPollFails(Virtqueue queue, String why) {
    GuestFault fault = assertThrows(GuestFault.class, () -> queue.poll(queue.newChain()));
    assertTrue(fault.getMessage().contains(why), fault.getMessage());
  }
}
