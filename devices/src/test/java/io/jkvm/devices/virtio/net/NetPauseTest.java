// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.GuestRam;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A network card that is paused, in both directions. */
@Timeout(300)
class NetPauseTest {
  private static final int RAM = 1 << 20;
  private static final int RING = 64;
  private static final int ROUNDS = 3000;
  private static final long RX_DATA = 0x80000;
  private static final long TX_DATA = 0x40000;

  private final ReentrantLock vcpu = new ReentrantLock(true);
  private final RecordingNetwork network = new RecordingNetwork();
  private final VirtioNet card = new VirtioNet(NetFixture.MAC, OptionalInt.empty(), network);
  private GuestMemory memory;
  private GuestDriver guest;
  private SplitRingDriver rx;
  private SplitRingDriver tx;
  private volatile boolean done;
  private volatile boolean senderDone;
  private volatile Throwable failure;

  @BeforeEach
  void allocate() throws Exception {
    memory = GuestMemory.allocate(RAM);
    rx = new SplitRingDriver(memory, RING, 0x1000);
    tx = new SplitRingDriver(memory, RING, 0x3000);
  }

  @AfterEach
  void close() {
    guest.close();
    memory.close();
  }

  private void start(Transport transport) throws Exception {
    guest = transport.attach(card, TestHost.of(memory));
    guest.negotiateWithout(0);
    guest.setUpQueue(0, rx);
    guest.setUpQueue(1, tx);
    guest.driverOk();
  }

  private static Frame frame(int number) {
    byte[] bytes = NetFixture.frame(60, 1);
    bytes[14] = (byte) number;
    bytes[15] = (byte) (number >>> 8);
    return NetFixture.asFrame(bytes);
  }

  @ParameterizedTest
  @EnumSource
  void aPausedCardHasNoRoomAndKeepsItsHandsOff(Transport transport) throws Exception {
    start(transport);
    rx.add(Buffer.in(RX_DATA, 2000));
    guest.device().pause();
    GuestRam ram = new GuestRam(memory, RAM);
    assertFalse(card.receive(0, frame(1)));
    card.awaitRoom(0, 1);
    assertFalse(card.receive(0, frame(1)));
    ram.assertUnchanged();
    guest.device().resume();
    assertTrue(card.receive(0, frame(1)));
    assertEquals(1, rx.usedIndex());
    assertEquals(0, card.statistics().receiveDropped(), "held back, not lost");
  }

  /** The driver's notification may be lost with the eventfd that counted it. */
  @ParameterizedTest
  @EnumSource
  void whoWaitsForRoomLooksAgainAfterThePause(Transport transport) throws Exception {
    start(transport);
    Thread sender = startSender(1);
    assertTrue(MmioDriver.await(() -> waitsForDriver(sender)));
    guest.device().pause();
    rx.add(Buffer.in(RX_DATA, 2000));
    GuestRam ram = new GuestRam(memory, RAM);
    guest.notifyQueue(0); // wakes the sender, which may not touch the ring
    assertTrue(MmioDriver.await(() -> !waitsForDriver(sender)));
    ram.assertUnchanged();
    guest.device().resume();
    sender.join(120_000);
    assertFalse(sender.isAlive());
    assertEquals(1, rx.usedIndex());
    Thread next = startSender(2);
    assertTrue(MmioDriver.await(() -> waitsForDriver(next)));
    guest.device().pause();
    rx.add(Buffer.in(RX_DATA, 2000));
    guest.device().resume();
    next.join(120_000);
    assertFalse(next.isAlive(), "waits for a notification that does not come");
  }

  private Thread startSender(int number) {
    Frame frame = frame(number);
    Thread sender =
        new Thread(
            () -> {
              while (!card.receive(0, frame)) {
                card.awaitRoom(0, 60_000);
              }
            });
    sender.setDaemon(true);
    sender.start();
    return sender;
  }

  private static boolean waitsForDriver(Thread thread) {
    for (StackTraceElement element : thread.getStackTrace()) {
      if (element.getMethodName().equals("awaitNotification")) {
        return true;
      }
    }
    return false;
  }

  @ParameterizedTest
  @EnumSource
  void aLinkThatChangesMeanwhileIsToldAfterwards(Transport transport) throws Exception {
    start(transport);
    guest.device().pause();
    guest.takeInterrupts();
    card.setLink(false);
    assertEquals(0, guest.takeInterrupts());
    guest.device().resume();
    assertEquals(3, guest.takeInterrupts(), "two queues and the configuration");
  }

  @ParameterizedTest
  @EnumSource
  void framesBothWaysUnderLoad(Transport transport) throws Exception {
    network.countOnly();
    start(transport);
    memory.write(TX_DATA + NetFixture.HEADER, NetFixture.frame(60, 1), 0, 60);
    AtomicInteger sent = new AtomicInteger();
    Thread sender = new Thread(() -> send(sent));
    Thread driver = new Thread(this::drive);
    sender.start();
    driver.start();
    for (int round = 0; round < ROUNDS; round++) {
      vcpu.lock();
      guest.device().pause();
      GuestRam ram = round % 10 == 0 ? new GuestRam(memory, RAM) : null;
      guest.takeInterrupts();
      guest.notifyQueue(0);
      guest.notifyQueue(1);
      Thread.yield();
      if (ram != null) {
        ram.assertUnchanged();
      }
      assertEquals(0, guest.takeInterrupts());
      guest.device().resume();
      vcpu.unlock();
    }
    done = true;
    sender.join(20_000);
    driver.join(20_000);
    if (failure != null) {
      throw new AssertionError(failure);
    }
    assertFalse(sender.isAlive() || driver.isAlive());
    assertTrue(sent.get() > 100 && network.count() > 100, sent + ", " + network.count());
    assertEquals(sent.get(), card.statistics().received());
    assertEquals(0, card.statistics().receiveDropped());
    assertEquals(tx.availIndex(), (int) network.count() & 0xffff);
  }

  /** A network that has a place for one frame. */
  private void send(AtomicInteger sent) {
    while (!done) {
      Frame frame = frame(sent.get());
      while (!card.receive(0, frame)) {
        card.awaitRoom(0, 1000);
      }
      sent.incrementAndGet();
    }
    senderDone = true;
  }

  /** Gives buffers, takes frames in their order, sends its own. */
  private void drive() {
    int given = 0;
    int taken = 0;
    byte[] number = new byte[2];
    try {
      while (!senderDone) {
        vcpu.lock();
        for (; ((given - taken) & 0xffff) < RING; given++) {
          rx.add(Buffer.in(RX_DATA + 2048L * (given % RING), 2048));
        }
        guest.notifyQueue(0);
        if (tx.usedIndex() == tx.availIndex()) {
          tx.add(Buffer.out(TX_DATA, NetFixture.HEADER + 60));
          guest.notifyQueue(1);
        }
        for (; (taken & 0xffff) != rx.usedIndex(); taken++) {
          memory.read(RX_DATA + 2048L * (taken % RING) + NetFixture.HEADER + 14, number, 0, 2);
          assertArrayEquals(new byte[] {(byte) taken, (byte) (taken >>> 8)}, number);
        }
        vcpu.unlock();
        Thread.yield();
      }
      assertTrue(MmioDriver.await(() -> tx.usedIndex() == tx.availIndex()), "never sent");
    } catch (GuestFault | RuntimeException | Error e) {
      failure = e;
    } finally {
      if (vcpu.isHeldByCurrentThread()) {
        vcpu.unlock();
      }
    }
  }
}
