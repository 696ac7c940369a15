// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.mmio;

import static io.jkvm.devices.virtio.testing.MmioDriver.NEEDS_RESET;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The queues' threads: resets in the middle, failures, what remains afterwards. */
@Timeout(120)
class SequentialServiceTest extends MmioFixture {
  @Test
  void resetWaitsForTheRequestInFlight() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    backend.gate(gate);
    driver.start(ring);
    addRead();
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(backend::entered));
    Thread guest = new Thread(() -> driver.status(0));
    guest.start();
    guest.join(300);
    assertTrue(guest.isAlive(), "the reset ended with a request in flight");
    gate.countDown();
    guest.join(10_000);
    assertFalse(guest.isAlive());
    assertEquals(0, driver.status());
    assertEquals(0, queueThreads());
    assertEquals(1, backend.calls().size());
  }

  @Test
  void aResetThatTheHostHoldsUpIsCompletedLater() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    backend.gate(gate);
    driver.start(ring);
    addRead();
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(backend::entered));
    driver.status(0); // waits for ten seconds
    long second = System.nanoTime();
    driver.status(0);
    assertTrue(driver.status() != 0, "reset with a request in flight");
    driver.status(MmioDriver.ACKNOWLEDGE | MmioDriver.DRIVER);
    assertTrue(System.nanoTime() - second < 5_000_000_000L, "holds the vCPU up again");
    gate.countDown();
    assertTrue(MmioDriver.await(() -> driver.status() == 0), "never completed");
    ring = new SplitRingDriver(memory, 16, 0x1000);
    driver.start(ring);
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
  }

  @Test
  void afterAResetNothingIsServed() throws Exception {
    driver.start(ring);
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
    assertTrue(interrupt.await(10_000));
    assertEquals(1, driver.read(0x60));
    driver.status(0);
    addRead();
    driver.notifyQueue(0);
    Thread.sleep(100);
    assertEquals(1, ring.usedIndex());
    assertEquals(0, driver.read(0x60));
    assertEquals(0, driver.read(0x44));
    assertEquals(1, backend.calls().size());
  }

  @Test
  void resettingForEverPilesUpNoThreads() throws Exception {
    for (int i = 0; i < 500; i++) {
      ring = new SplitRingDriver(memory, 16, 0x1000);
      driver.start(ring);
      addRead();
      driver.notifyQueue(0);
      assertTrue(queueThreads() <= 1);
    }
    driver.status(0);
    assertEquals(0, queueThreads());
    assertEquals(0, driver.status());
  }

  @Test
  void queueReadyZeroStopsTheQueue() throws Exception {
    driver.start(ring);
    driver.write(0x44, 0);
    assertEquals(0, driver.read(0x44));
    assertEquals(0, queueThreads());
    driver.write(0x44, 1);
    assertEquals(0, driver.read(0x44));
    assertEquals(0, driver.status() & NEEDS_RESET);
  }

  @Test
  void aBrokenRequestStopsTheDeviceUntilItIsReset() throws Exception {
    driver.start(ring);
    ring.offer(999);
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> (driver.status() & NEEDS_RESET) != 0));
    assertTrue(interrupt.await(10_000));
    assertEquals(2, driver.read(0x60));
    driver.write(0x64, 2);
    addRead();
    driver.notifyQueue(0);
    Thread.sleep(100);
    assertEquals(0, ring.usedIndex());
    ring = new SplitRingDriver(memory, 16, 0x1000);
    driver.start(ring);
    assertEquals(0, driver.status() & NEEDS_RESET);
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
  }

  @Test
  void aBugInADeviceStopsOnlyThatDevice() throws Exception {
    VirtioDevice broken = new BrokenDevice(new VirtioBlock(backend, "x"));
    try (EventFd line = new EventFd();
        VirtioMmio other = new VirtioMmio(broken, memory, line)) {
      MmioDriver otherDriver = new MmioDriver(other);
      otherDriver.start(ring);
      addRead();
      otherDriver.notifyQueue(0);
      assertTrue(MmioDriver.await(() -> (otherDriver.status() & NEEDS_RESET) != 0));
      assertTrue(line.await(10_000));
      otherDriver.status(0);
      assertEquals(0, otherDriver.status());
    }
  }

  @Test
  void closeEndsTheThreads() throws Exception {
    driver.start(ring);
    assertEquals(1, queueThreads());
    mmio.close();
    assertEquals(0, queueThreads());
    mmio.close();
    driver.status(0);
  }

  @Test
  void manyRequestsOneByOneAndInBatches() throws Exception {
    driver.start(ring);
    int done = 0;
    for (int round = 0; round < 20_000; round++) {
      int batch = 1 + round % 5;
      ring.usedEvent(done + batch - 1);
      for (int i = 0; i < batch; i++) {
        addRead();
      }
      int added = (ring.availIndex() - done) & 0xffff;
      // What a driver does with the event index: notify only when asked to (section 2.7.10).
      VarHandle.fullFence();
      int event = ring.availEvent();
      if (((ring.availIndex() - event - 1) & 0xffff) < added) {
        driver.notifyQueue(0);
      }
      done = (done + batch) & 0xffff;
      int expected = done;
      assertTrue(MmioDriver.await(() -> ring.usedIndex() == expected), "lost at " + round);
      assertTrue(interrupt.await(10_000), "no interrupt for " + round);
      driver.write(0x64, 1);
    }
  }

  /** Fails in a way that no device should. */
  private static final class BrokenDevice implements VirtioDevice {
    private final VirtioDevice base;

    BrokenDevice(VirtioDevice base) {
      this.base = base;
    }

    @Override
    public int deviceId() {
      return base.deviceId();
    }

    @Override
    public String name() {
      return "broken";
    }

    @Override
    public long features() {
      return 0;
    }

    @Override
    public int queueCount() {
      return 1;
    }

    @Override
    public int maxQueueSize(int queue) {
      return 16;
    }

    @Override
    public long readConfig(long offset, int size) {
      return 0;
    }

    @Override
    public void writeConfig(long offset, int size, long value) {}

    @Override
    public void activate(long features) {}

    @Override
    public void reset() {}

    @Override
    public long process(int queue, DescriptorChain request) {
      throw new IllegalStateException("a bug");
    }
  }
}
