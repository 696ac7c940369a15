// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.SequentialService;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.GuestRam;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Requests that a device can't finish yet: they wait, and hold up neither pause nor reset. */
@Timeout(300)
class PutOffTest {
  private static final int RAM = 1 << 18;
  private static final long DATA = 0x8000;

  private final Patient device = new Patient();
  private GuestMemory memory;
  private GuestDriver guest;
  private SplitRingDriver ring;

  @BeforeEach
  void allocate() throws Exception {
    memory = GuestMemory.allocate(RAM);
  }

  @AfterEach
  void close() {
    guest.close();
    device.service.tryAgain(); // of no effect: the eventfd is closed
    memory.close();
  }

  private void start() throws Exception {
    ring = new SplitRingDriver(memory, 16, 0x1000);
    guest.negotiateWithout(0);
    guest.setUpQueue(0, ring);
    guest.driverOk();
  }

  private void attachAndStart(Transport transport) throws Exception {
    guest = transport.attach(device, TestHost.of(memory));
    start();
  }

  private void request() throws Exception {
    ring.add(Buffer.in(DATA, 16));
    guest.notifyQueue(0);
  }

  private void awaitAsked(int times) throws Exception {
    assertTrue(MmioDriver.await(() -> device.asked.get() >= times), "not asked again");
  }

  private void awaitUsed(int index) throws Exception {
    assertTrue(MmioDriver.await(() -> ring.usedIndex() == index), "not served");
  }

  @ParameterizedTest
  @EnumSource
  void itStaysTheNextOneUntilItIsFinished(Transport transport) throws Exception {
    attachAndStart(transport);
    request();
    awaitAsked(1);
    request();
    device.service.tryAgain();
    awaitAsked(2);
    assertEquals(0, ring.usedIndex());
    device.mayFinish.set(1);
    device.service.tryAgain();
    awaitUsed(1);
    device.mayFinish.set(100);
    device.service.tryAgain();
    awaitUsed(2);
    request();
    awaitUsed(3);
    assertEquals(0, ring.usedId(0));
    assertEquals(1, ring.usedId(1));
    assertTrue(guest.takeInterrupts() > 0);
  }

  /** What comes between the handler's answer and the wait must not be lost. */
  @ParameterizedTest
  @EnumSource
  void noCallIsLost(Transport transport) throws Exception {
    attachAndStart(transport);
    for (int i = 1; i <= 5000; i++) {
      request();
      device.mayFinish.incrementAndGet();
      device.service.tryAgain();
      awaitUsed(i & 0xffff);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPauseDoesNotWaitForIt(Transport transport) throws Exception {
    attachAndStart(transport);
    request();
    awaitAsked(1);
    guest.device().pause();
    GuestRam ram = new GuestRam(memory, RAM);
    device.mayFinish.set(1);
    device.service.tryAgain();
    guest.device().pause();
    ram.assertUnchanged();
    guest.device().resume();
    awaitUsed(1);
  }

  @ParameterizedTest
  @EnumSource
  void aResetEndsIt(Transport transport) throws Exception {
    attachAndStart(transport);
    for (int i = 0; i < 20; i++) {
      device.mayFinish.set(0);
      int before = device.asked.get();
      request();
      awaitAsked(before + 1);
      SequentialService old = device.service;
      guest.status(0);
      assertTrue(MmioDriver.await(() -> guest.status() == 0));
      device.mayFinish.set(1);
      old.tryAgain();
      start();
      assertEquals(0, ring.usedIndex());
      request();
      awaitUsed(1);
    }
  }

  /** Finishes as many requests as it was allowed to. */
  private static final class Patient implements VirtioDevice {
    final AtomicInteger asked = new AtomicInteger();
    final AtomicInteger mayFinish = new AtomicInteger();
    volatile SequentialService service;

    @Override
    public VirtioType type() {
      return VirtioType.ENTROPY;
    }

    @Override
    public String name() {
      return "patient";
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
      service = new SequentialService(rings, this::process);
      return service;
    }

    private long process(DescriptorChain request) {
      asked.incrementAndGet();
      if (mayFinish.get() == 0) {
        return RequestHandler.PUT_OFF;
      }
      mayFinish.decrementAndGet();
      return 0;
    }
  }
}
