// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many fast requests before a slow one, all offered at once. */
@Timeout(300)
class BlockAnnounceTest {
  private static final int SIZE = 128;
  private static final int REQUESTS = 32;
  private static final int SLOW = 20;
  private static final long HEADERS = 0x8000;
  private static final long STATUSES = 0x9000;
  private static final long DATA = 0x10000;

  private final CountDownLatch interrupted = new CountDownLatch(1);
  private volatile int usedWhenInterrupted;
  private SplitRingDriver ring;

  /** Lets all calls pass but one, which takes until the guest has been interrupted. */
  private final class SlowAtOne extends CountDownLatch {
    private int calls;

    SlowAtOne() {
      super(0);
    }

    @Override
    public void await() throws InterruptedException {
      calls++;
      if (calls == SLOW) {
        interrupted.await();
      }
    }
  }

  private void interrupt() {
    if (interrupted.getCount() == 0) {
      return;
    }
    try {
      usedWhenInterrupted = ring.usedIndex();
    } catch (GuestFault e) {
      throw new IllegalStateException(e);
    }
    interrupted.countDown();
  }

  @Test
  void theyAreToldBeforeTheSlowOneIsDone() throws Exception {
    RecordingBackend backend = new RecordingBackend(1 << 20, false);
    backend.gate(new SlowAtOne());
    VirtioBlock disk =
        new VirtioBlock(backend, "test", List.of(DiskEngines.calls(backend)), true, false);
    try (GuestMemory memory = GuestMemory.allocate(1 << 20);
        VirtioMmio device =
            new VirtioMmio(disk, TestHost.of(memory), this::interrupt, 0xd000_0000L)) {
      MmioDriver driver = new MmioDriver(device);
      ring = new SplitRingDriver(memory, SIZE, 0x1000);
      driver.start(ring);
      for (int i = 0; i < REQUESTS; i++) {
        memory.writeU32(HEADERS + 16L * i, BlockDriver.IN);
        memory.writeU64(HEADERS + 16L * i + 8, i);
        memory.writeU8(STATUSES + i, 0xee);
        ring.add(
            Buffer.out(HEADERS + 16L * i, 16),
            Buffer.in(DATA + 512L * i, 512),
            Buffer.in(STATUSES + i, 1));
      }
      driver.notifyQueue(0);
      assertTrue(MmioDriver.await(() -> ring.usedIndex() == REQUESTS));
      assertTrue(usedWhenInterrupted < SLOW, "told when " + usedWhenInterrupted + " were done");
      for (int i = 0; i < REQUESTS; i++) {
        assertEquals(BlockDriver.OK, memory.readU8(STATUSES + i));
      }
    }
  }
}
