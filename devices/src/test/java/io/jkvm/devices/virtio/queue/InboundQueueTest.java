// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class InboundQueueTest {
  private final InboundQueue queue = new InboundQueue();

  /** A console's input is there long before the guest's driver. */
  @Test
  void whoWaitsForADriverIsWokenWhenItComes() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20);
        EventFd notify = new EventFd()) {
      SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
      Thread waiting = new Thread(() -> queue.awaitRoom(3_600_000));
      waiting.setDaemon(true);
      waiting.start();
      assertTrue(MmioDriver.await(() -> waiting.getState() == Thread.State.TIMED_WAITING));
      queue.serve(new ActiveQueue("test", 0, ring.device(), notify, null)).start();
      waiting.join(60_000);
      assertFalse(waiting.isAlive());
      queue.requestStop();
    }
  }
}
