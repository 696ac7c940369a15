// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.GuestRam;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a paused device does not do, and what it has to make up for afterwards. */
@Timeout(300)
class PauseTest {
  private static final int RAM = 1 << 20;
  private static final int HEADER = 0x8000;
  private static final int STATUS = 0x8100;
  private static final int DATA = 0x10000;
  private static final int NEEDS_RESET = 64;

  private final RecordingBackend backend = new RecordingBackend(1 << 20, false);
  private final CountDownLatch gate = new CountDownLatch(1);
  private GuestMemory memory;
  private GuestDriver guest;
  private SplitRingDriver ring;

  @BeforeEach
  void allocate() throws Exception {
    memory = GuestMemory.allocate(RAM);
  }

  @AfterEach
  void close() {
    gate.countDown();
    if (guest != null) {
      guest.close();
    }
    memory.close();
  }

  private void attach(Transport transport, int patienceMilliseconds) throws Exception {
    guest =
        transport.attach(
            new VirtioBlock(backend, "x"), TestHost.impatient(memory, patienceMilliseconds));
  }

  private void start() throws Exception {
    ring = new SplitRingDriver(memory, 16, 0x1000);
    guest.negotiateWithout(0);
    guest.setUpQueue(0, ring);
    guest.driverOk();
  }

  private void attachAndStart(Transport transport) throws Exception {
    attach(transport, 10_000);
    start();
  }

  private void addRead() throws GuestFault {
    memory.writeU64(HEADER, 0);
    memory.writeU64(HEADER + 8, 0);
    ring.add(Buffer.out(HEADER, 16), Buffer.in(DATA, 512), Buffer.in(STATUS, 1));
  }

  private void awaitUsed(int index) throws GuestFault {
    assertTrue(MmioDriver.await(() -> ring.usedIndex() == index), "not served");
  }

  private void serveOne(int index) throws GuestFault {
    addRead();
    guest.notifyQueue(0);
    awaitUsed(index);
  }

  @ParameterizedTest
  @EnumSource
  void aNotificationDuringThePauseIsServedAfterIt(Transport transport) throws Exception {
    attachAndStart(transport);
    serveOne(1);
    guest.device().pause();
    guest.takeInterrupts();
    addRead();
    GuestRam ram = new GuestRam(memory, RAM);
    guest.notifyQueue(0);
    guest.device().pause(); // the second does nothing
    ram.assertUnchanged();
    assertEquals(0, guest.takeInterrupts());
    guest.device().resume();
    awaitUsed(2);
  }

  /** Its eventfd may not have survived, and the driver will not ring again. */
  @ParameterizedTest
  @EnumSource
  void aRequestWithoutANotificationIsSeenAfterThePause(Transport transport) throws Exception {
    attachAndStart(transport);
    guest.device().pause();
    addRead();
    guest.device().resume();
    awaitUsed(1);
    // And the driver is asked for the next notification, as its event index is written anew.
    assertTrue(MmioDriver.await(() -> ring.availEvent() == 1));
  }

  @ParameterizedTest
  @EnumSource
  void eachStartedQueueGetsAnInterruptWantedOrNot(Transport transport) throws Exception {
    attachAndStart(transport);
    ring.usedEvent(100);
    serveOne(1);
    guest.device().pause();
    assertEquals(0, guest.takeInterrupts(), "the driver did not want it");
    guest.device().resume();
    assertEquals(1, guest.takeInterrupts());
    guest.device().resume();
    assertEquals(0, guest.takeInterrupts(), "nothing to resume");
  }

  @ParameterizedTest
  @EnumSource
  void theRequestInFlightIsFinishedAndAnnouncedFirst(Transport transport) throws Exception {
    attachAndStart(transport);
    backend.gate(gate);
    addRead();
    guest.notifyQueue(0);
    assertTrue(MmioDriver.await(backend::entered));
    addRead();
    Thread pausing = new Thread(this::pause);
    pausing.start();
    assertTrue(MmioDriver.await(() -> pausing.getState() == Thread.State.TIMED_WAITING));
    gate.countDown();
    pausing.join(120_000);
    assertFalse(pausing.isAlive());
    assertEquals(1, ring.usedIndex(), "the one in flight and no other");
    assertEquals(1, guest.takeInterrupts());
    assertEquals(1, backend.calls().size());
    guest.device().resume();
    awaitUsed(2);
  }

  private void pause() {
    try {
      guest.device().pause();
    } catch (PauseTimeoutException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRequestThatHangsUndoesThePause(Transport transport) throws Exception {
    attach(transport, 20);
    start();
    backend.gate(gate);
    addRead();
    guest.notifyQueue(0);
    assertTrue(MmioDriver.await(backend::entered));
    PauseTimeoutException e =
        assertThrows(PauseTimeoutException.class, () -> guest.device().pause());
    assertEquals("test/virtio-blk recorded queue 0", e.part());
    assertEquals(0, guest.status() & NEEDS_RESET, "a slow host is no failure of the device");
    gate.countDown();
    awaitUsed(1);
    serveOne(2);
    pause();
    guest.device().resume();
    serveOne(3);
  }

  @ParameterizedTest
  @EnumSource
  void devicesAndQueuesThatNeverStarted(Transport transport) throws Exception {
    attach(transport, 10_000);
    pause();
    guest.device().resume();
    guest.negotiateWithout(0);
    pause();
    guest.device().resume();
    guest.driverOk();
    pause();
    guest.device().resume();
    assertEquals(0, guest.takeInterrupts(), "no queue, no interrupt");
    start();
    serveOne(1);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsStartedDuringAPauseBeginsAtRest(Transport transport) throws Exception {
    attach(transport, 10_000);
    pause();
    start();
    addRead();
    guest.notifyQueue(0);
    GuestRam ram = new GuestRam(memory, RAM);
    guest.device().pause();
    ram.assertUnchanged();
    guest.device().resume();
    awaitUsed(1);
  }

  @ParameterizedTest
  @EnumSource
  void aResetDuringAPause(Transport transport) throws Exception {
    attachAndStart(transport);
    serveOne(1);
    pause();
    guest.status(0);
    assertEquals(0, guest.status());
    guest.takeInterrupts();
    guest.device().resume();
    assertEquals(0, guest.takeInterrupts());
    start();
    serveOne(1);
  }

  @ParameterizedTest
  @EnumSource
  void aFailedDevice(Transport transport) throws Exception {
    attachAndStart(transport);
    ring.offer(999);
    guest.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> (guest.status() & NEEDS_RESET) != 0));
    pause();
    guest.device().resume();
    assertNotEquals(0, guest.status() & NEEDS_RESET);
    start();
    serveOne(1);
  }

  /** A vCPU that waits for the reset holds the device's locks. */
  @ParameterizedTest
  @EnumSource
  void aPauseDuringAResetEndsWithTheRequest(Transport transport) throws Exception {
    attachAndStart(transport);
    backend.gate(gate);
    addRead();
    guest.notifyQueue(0);
    assertTrue(MmioDriver.await(backend::entered));
    Thread vcpu = new Thread(() -> guest.status(0));
    vcpu.start();
    assertTrue(MmioDriver.await(() -> vcpu.getState() == Thread.State.TIMED_WAITING));
    Thread pausing = new Thread(this::pause);
    pausing.start();
    assertTrue(MmioDriver.await(() -> pausing.getState() == Thread.State.TIMED_WAITING));
    gate.countDown();
    pausing.join(120_000);
    vcpu.join(120_000);
    assertFalse(pausing.isAlive() || vcpu.isAlive());
    assertEquals(0, guest.status());
    guest.device().resume();
    start();
    serveOne(1);
  }

  @ParameterizedTest
  @EnumSource
  void manyThreadsPauseAndResume(Transport transport) throws Exception {
    attachAndStart(transport);
    Thread[] threads = new Thread[4];
    for (int i = 0; i < threads.length; i++) {
      threads[i] =
          new Thread(
              () -> {
                for (int round = 0; round < 500; round++) {
                  pause();
                  guest.device().resume();
                }
              });
      threads[i].start();
    }
    for (int i = 1; i <= 200; i++) {
      serveOne(i);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    serveOne(201);
  }

  @ParameterizedTest
  @EnumSource
  void closingAPausedDeviceEndsItsThreads(Transport transport) throws Exception {
    attachAndStart(transport);
    pause();
    guest.close();
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .noneMatch(thread -> thread.getName().startsWith("test/virtio-blk recorded")));
  }
}
