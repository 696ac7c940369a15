// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.mmio;

import static io.jkvm.devices.virtio.testing.MmioDriver.NEEDS_RESET;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.SequentialService;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingDoorbells;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.VirtioHost;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The queues' threads: resets in the middle, failures, what remains afterwards. */
@Timeout(300)
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
    assertTrue(MmioDriver.await(() -> waitsForAService(guest)));
    assertEquals(1, queueThreads());
    gate.countDown();
    guest.join(120_000);
    assertFalse(guest.isAlive());
    assertEquals(0, driver.status());
    assertEquals(0, queueThreads());
    assertEquals(1, backend.calls().size());
  }

  /** Linux frees the buffers after the write without a look at the status. */
  @Test
  void aResetWaitsForAHangingRequestUnlessTheMachineStops() throws Exception {
    AtomicBoolean stopping = new AtomicBoolean();
    VirtioHost host =
        new VirtioHost(
            TestHost.MACHINE, memory, new RecordingDoorbells(), stopping::get, reason -> {}, 10);
    CountDownLatch gate = new CountDownLatch(1);
    backend.gate(gate);
    try (VirtioMmio stuck = attach(host)) {
      MmioDriver guest = new MmioDriver(stuck);
      guest.start(ring);
      addRead();
      guest.notifyQueue(0);
      assertTrue(MmioDriver.await(backend::entered));
      Thread vcpu = new Thread(() -> guest.status(0));
      vcpu.start();
      assertTrue(MmioDriver.await(() -> interrupt.clear()), "the driver is told of the failure");
      assertTrue(MmioDriver.await(() -> waitsForAService(vcpu)), "waits on after that");
      stopping.set(true);
      vcpu.join(120_000);
      assertFalse(vcpu.isAlive(), "holds the machine's end up");
      assertNotEquals(0, guest.status(), "reset with a request in flight");
      gate.countDown();
      assertTrue(MmioDriver.await(() -> guest.status() == 0), "never completed");
      ring = new SplitRingDriver(memory, 16, 0x1000);
      guest.start(ring);
      addRead();
      assertTrue(guest.notifyAndAwait(ring, 1));
    } finally {
      gate.countDown();
    }
  }

  private static boolean waitsForAService(Thread thread) {
    return thread.getState() == Thread.State.TIMED_WAITING
        && Arrays.stream(thread.getStackTrace())
            .anyMatch(frame -> frame.getMethodName().equals("awaitStopped"));
  }

  @Test
  void afterAResetNothingIsServed() throws Exception {
    driver.start(ring);
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
    assertTrue(interrupt.await(120_000));
    assertEquals(MmioDriver.USED_BUFFER, driver.read(MmioDriver.INTERRUPT_STATUS));
    driver.status(0);
    addRead();
    driver.notifyQueue(0);
    assertEquals(0, queueThreads());
    assertEquals(1, ring.usedIndex());
    assertEquals(0, driver.read(MmioDriver.INTERRUPT_STATUS));
    assertEquals(0, driver.read(MmioDriver.QUEUE_READY));
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
    driver.write(MmioDriver.QUEUE_READY, 0);
    assertEquals(0, driver.read(MmioDriver.QUEUE_READY));
    assertEquals(0, queueThreads());
    driver.write(MmioDriver.QUEUE_READY, 1);
    assertEquals(0, driver.read(MmioDriver.QUEUE_READY));
    assertEquals(0, driver.status() & NEEDS_RESET);
  }

  @Test
  void aBrokenRequestStopsTheDeviceUntilItIsReset() throws Exception {
    driver.start(ring);
    ring.offer(999);
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> (driver.status() & NEEDS_RESET) != 0));
    assertTrue(interrupt.await(120_000));
    assertEquals(MmioDriver.CONFIG_CHANGE, driver.read(MmioDriver.INTERRUPT_STATUS));
    driver.write(MmioDriver.INTERRUPT_ACK, MmioDriver.CONFIG_CHANGE);
    addRead();
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> queueThreads() == 0));
    assertEquals(0, ring.usedIndex());
    ring = new SplitRingDriver(memory, 16, 0x1000);
    driver.start(ring);
    assertEquals(0, driver.status() & NEEDS_RESET);
    addRead();
    assertTrue(driver.notifyAndAwait(ring, 1));
  }

  @Test
  void aBugInADeviceStopsOnlyThatDevice() throws Exception {
    VirtioDevice broken =
        new BrokenDevice(
            () -> {
              throw new IllegalStateException("a bug");
            });
    try (EventFd line = new EventFd();
        VirtioMmio other = new VirtioMmio(broken, TestHost.of(memory), line::signal, 0)) {
      MmioDriver otherDriver = new MmioDriver(other);
      otherDriver.start(ring);
      addRead();
      otherDriver.notifyQueue(0);
      assertTrue(MmioDriver.await(() -> (otherDriver.status() & NEEDS_RESET) != 0));
      assertTrue(line.await(120_000));
      otherDriver.status(0);
      assertEquals(0, otherDriver.status());
    }
  }

  /** A driver may wait for ever for answers that do not come: Linux's virtio-fs does. */
  @Test
  void anErrorEndsTheMachine() throws Exception {
    VirtioDevice broken =
        new BrokenDevice(
            () -> {
              throw new OutOfMemoryError("test");
            });
    AtomicReference<String> failure = new AtomicReference<>();
    try (EventFd line = new EventFd();
        VirtioMmio other =
            new VirtioMmio(broken, TestHost.telling(memory, failure::set), line::signal, 0)) {
      MmioDriver otherDriver = new MmioDriver(other);
      otherDriver.start(ring);
      addRead();
      otherDriver.notifyQueue(0);
      assertTrue(MmioDriver.await(() -> (otherDriver.status() & NEEDS_RESET) != 0));
      assertTrue(failure.get().endsWith(" queue 0: java.lang.OutOfMemoryError: test"));
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
      assertTrue(interrupt.await(120_000), "no interrupt for " + round);
      driver.write(MmioDriver.INTERRUPT_ACK, 1);
    }
  }

  /** Fails in a way that no device should. */
  private static final class BrokenDevice implements VirtioDevice {
    private final Runnable bug;

    BrokenDevice(Runnable bug) {
      this.bug = bug;
    }

    @Override
    public VirtioType type() {
      return VirtioType.BLOCK;
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
    public int[] queueSizes() {
      return new int[] {16};
    }

    @Override
    public QueueService serve(int queue, ActiveQueue rings, long negotiated) {
      return new SequentialService(
          rings,
          request -> {
            bug.run();
            return 0;
          });
    }
  }
}
