// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.HEADER;
import static io.jkvm.devices.virtio.net.NetFixture.RX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.virtio.VirtioFeatures;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.util.Arrays;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Threads of the network that wait until the driver has buffers for their frames. */
@Timeout(300)
class AwaitRoomTest {
  private static final int NO_NOTIFY = 1;

  private static Thread start(Runnable action) {
    Thread thread = new Thread(action);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  /** Whether a thread waits for the driver, and not for another thread that does. */
  private static boolean waitsForDriver(Thread thread) {
    return Arrays.stream(thread.getStackTrace())
        .anyMatch(frame -> frame.getMethodName().equals("awaitNotification"));
  }

  private static boolean waits(Thread thread) {
    return waitsForDriver(thread) || thread.getState() == Thread.State.TIMED_WAITING;
  }

  private static void assertEnds(Thread thread) throws InterruptedException {
    thread.join(120_000);
    assertFalse(thread.isAlive(), "still waits");
  }

  private static long milliseconds(Runnable action) {
    long start = System.nanoTime();
    action.run();
    return (System.nanoTime() - start) / 1_000_000;
  }

  @ParameterizedTest
  @ValueSource(longs = {0, VirtioFeatures.EVENT_IDX})
  void withoutMoreRoomItTakesItsTime(long without) throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(without)) {
      Frame frame = asFrame(frame(1500, 1));
      assertFalse(guest.card.receive(0, frame));
      assertTrue(milliseconds(() -> guest.card.awaitRoom(0, 100)) >= 95, "no buffers");
      guest.giveBuffers(1, 1000);
      assertFalse(guest.card.receive(0, frame));
      assertTrue(milliseconds(() -> guest.card.awaitRoom(0, 100)) >= 95, "too few");
      guest.driver.status(0);
      assertTrue(milliseconds(() -> guest.card.awaitRoom(0, 100)) >= 95, "no driver");
    }
  }

  /** The driver may have looked whether to notify just before it was asked to. */
  @ParameterizedTest
  @ValueSource(longs = {0, VirtioFeatures.EVENT_IDX})
  void roomThatWasMadeMeanwhileIsSeen(long without) throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(without)) {
      assertFalse(guest.card.receive(0, asFrame(frame(60, 1))));
      guest.giveBuffers(1, 1000);
      assertTrue(milliseconds(() -> guest.card.awaitRoom(0, 120_000)) < 60_000, "not seen");
      boolean byFlag = without == VirtioFeatures.EVENT_IDX;
      assertEquals(byFlag ? NO_NOTIFY : 0, guest.rx.usedFlags(), "still asked");
      assertTrue(guest.card.receive(0, asFrame(frame(60, 1))));
    }
  }

  @Test
  void aDriverWithoutEventIndexIsAskedByAFlag() throws Exception {
    try (NetFixture guest =
        new NetFixture(new RecordingNetwork()).startWithout(VirtioFeatures.EVENT_IDX)) {
      Frame frame = asFrame(frame(60, 1));
      assertEquals(NO_NOTIFY, guest.rx.usedFlags());
      Thread sender =
          start(
              () -> {
                while (!guest.card.receive(0, frame)) {
                  guest.card.awaitRoom(0, 30_000);
                }
              });
      assertTrue(MmioDriver.await(() -> guest.rx.usedFlags() == 0), "not asked");
      assertTrue(MmioDriver.await(() -> waitsForDriver(sender)));
      guest.giveBuffers(1, 1000);
      guest.driver.notifyQueue(0);
      assertEnds(sender);
      assertArrayEquals(frame(60, 1), guest.read(RX_DATA + HEADER, 60));
      assertEquals(NO_NOTIFY, guest.rx.usedFlags(), "still asked");
    }
  }

  /** Else it could use rings and an eventfd that belong to something else by then. */
  @Test
  void aResetWaitsForTheWaitingThread() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork())) {
      for (int i = 0; i < 50; i++) {
        guest.startWithout(0);
        guest.doorbell(0).clear(); // a reset may have rung once too often
        Thread sender = start(() -> guest.card.awaitRoom(0, 60_000));
        assertTrue(MmioDriver.await(() -> waitsForDriver(sender)));
        guest.driver.status(0);
        assertFalse(waitsForDriver(sender), "the reset left it behind");
        assertEnds(sender);
      }
    }
  }

  /** Queues of a network that the driver does not use end in one of the card. */
  @Test
  void oneNotificationIsEnoughForAllThreads() throws Exception {
    RecordingNetwork network = new RecordingNetwork(0, 2, OptionalInt.empty());
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      for (int i = 0; i < 20; i++) {
        Thread first = start(() -> guest.card.awaitRoom(0, 30_000));
        Thread second = start(() -> guest.card.awaitRoom(1, 30_000));
        assertTrue(MmioDriver.await(() -> waits(first) && waits(second)));
        guest.giveBuffers(1, 1000);
        guest.driver.notifyQueue(0);
        assertEnds(first);
        assertEnds(second);
        assertTrue(guest.card.receive(1, asFrame(frame(60, i))));
        assertEquals(i + 1, guest.rx.usedIndex());
      }
    }
  }
}
