// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.ForwardingBackend;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.testing.RecordingCard;
import io.jkvm.devices.network.testing.RecordingNetworkBackend;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class LinkEmulatorTest {
  private static final long MILLI = 1_000_000L;

  private final ManualClock clock = new ManualClock();
  private final RecordingCard card = new RecordingCard(clock::now);
  private final RecordingNetworkBackend inner =
      new RecordingNetworkBackend(Offload.CSUM, new RecordingCard(clock::now));

  /** A link whose time stands still but for {@link #pass}. */
  private LinkEmulator link(long rate, double loss, long delay, long seed) throws IOException {
    LinkEmulator link =
        new LinkEmulator("card", inner, new LinkQuality(rate, loss, delay, seed), clock);
    link.start(card);
    return link;
  }

  /** Lets the time pass in steps, in each of which both directions do all that is due. */
  private void pass(int milliseconds) throws InterruptedException {
    clock.awaitIdle(2);
    for (int i = 0; i < milliseconds; i++) {
      clock.advance(MILLI);
      clock.awaitIdle(2);
    }
  }

  private static int[] numbers(RecordingCard card) {
    return card.received().stream()
        .mapToInt(frame -> TestFrames.number(TestFrames.of(frame.bytes())))
        .toArray();
  }

  @Test
  void rateIsKeptInBothDirectionsWithinOnePercent() throws Exception {
    try (LinkEmulator link = link(40_000_000, 0, 0, 0)) {
      Frame frame = TestFrames.numbered(1, 2, 0, 1500);
      for (int step = 0; step < 1300; step++) {
        // Enough to keep both queues filled.
        for (int i = 0; i < 20; i++) {
          link.transmit(0, frame);
          inner.card().receive(0, frame);
        }
        pass(1);
      }
      assertRate(40_000_000, inner.transmitted);
      assertRate(40_000_000, card);
      assertTrue(link.droppedFrames() > 0, "more was sent than fits");
    }
  }

  private static void assertRate(long expected, RecordingCard at) {
    List<RecordingCard.Received> all = at.received();
    long first = all.get(0).nanos();
    long bits = all.stream().filter(r -> r.nanos() - first < 1000 * MILLI).count() * 1500L * 8;
    double ratio = (double) bits / expected;
    assertTrue(ratio > 0.99 && ratio < 1.01, "share of the rate: " + ratio);
  }

  @Test
  void delayIsWhatWasAskedAndOrderIsKept() throws Exception {
    try (LinkEmulator link = link(0, 0, 30 * MILLI, 0)) {
      long[] sent = new long[200];
      for (int i = 0; i < sent.length; i++) {
        sent[i] = clock.now();
        assertTrue(link.transmit(0, TestFrames.numbered(1, 2, i, 100)));
        assertTrue(inner.card().receive(0, TestFrames.numbered(1, 2, i, 100)));
        if (i % 10 == 0) {
          pass(1);
        }
      }
      pass(30);
      assertDelayed(sent, inner.transmitted);
      assertDelayed(sent, card);
    }
  }

  private static void assertDelayed(long[] sent, RecordingCard at) {
    assertEquals(sent.length, at.count());
    int[] numbers = numbers(at);
    for (int i = 0; i < sent.length; i++) {
      assertEquals(i, numbers[i]);
      assertEquals(30 * MILLI, at.received().get(i).nanos() - sent[i]);
    }
  }

  /** On the machine's own clock. */
  private int[] survivors(long rate, long delay, long seed, boolean fromGuest) throws Exception {
    RecordingNetworkBackend backend = new RecordingNetworkBackend(Offload.NONE);
    RecordingCard guest = new RecordingCard();
    try (LinkEmulator link =
        new LinkEmulator("card", backend, new LinkQuality(rate, 0.1, delay, seed))) {
      link.start(guest);
      for (int i = 0; i < 900; i++) {
        Frame frame = TestFrames.numbered(1, 2, i, 60);
        assertTrue(fromGuest ? link.transmit(0, frame) : backend.card().receive(0, frame));
      }
      RecordingCard at = fromGuest ? backend.transmitted : guest;
      int expected = 900 - (int) link.lostFrames();
      assertEquals(expected, at.await(expected));
      assertEquals(0, link.droppedFrames());
      return numbers(at);
    }
  }

  @Test
  void seedAloneDecidesWhichFramesAreLost() throws Exception {
    int[] first = survivors(0, 0, 42, true);
    assertTrue(first.length > 900 * 0.85 && first.length < 900 * 0.95, first.length + " of 900");
    assertEquals(Arrays.toString(first), Arrays.toString(survivors(0, 0, 42, true)));
    assertEquals(Arrays.toString(first), Arrays.toString(survivors(0, MILLI, 42, true)));
    assertEquals(Arrays.toString(first), Arrays.toString(survivors(1L << 40, 0, 42, true)));
    assertNotEquals(Arrays.toString(first), Arrays.toString(survivors(0, 0, 43, true)));
    int[] other = survivors(0, 0, 42, false);
    assertNotEquals(Arrays.toString(first), Arrays.toString(other));
    assertEquals(Arrays.toString(other), Arrays.toString(survivors(0, MILLI, 42, false)));
  }

  @Test
  void lossOfNoneAndAll() throws Exception {
    try (LinkEmulator link = link(0, 1, 0, 1)) {
      for (int i = 0; i < 100; i++) {
        assertTrue(link.transmit(0, TestFrames.numbered(1, 2, i, 60)));
      }
      assertEquals(0, inner.transmitted.count());
      assertEquals(100, link.lostFrames());
    }
  }

  @Test
  void queueIsBoundedInFramesAndBytes() throws Exception {
    try (LinkEmulator link = link(1000, 0, 0, 0)) {
      int taken = 0;
      for (int i = 0; i < 5000; i++) {
        taken += link.transmit(0, TestFrames.numbered(1, 2, i, 60)) ? 1 : 0;
        assertTrue(inner.card().receive(0, TestFrames.numbered(1, 2, i, 65000)));
      }
      assertTrue(taken >= 1000 && taken <= 1010, "taken " + taken);
      int bytesLimit = ((1 << 20) + Frame.MAX_BYTES) / 65000;
      long dropped = link.droppedFrames() - (5000 - taken);
      assertTrue(dropped >= 5000 - bytesLimit - 3 && dropped <= 5000 - bytesLimit, "" + dropped);
    }
  }

  @Test
  void closeDoesNotWaitForFullQueuesAndNothingComesAfter() throws Exception {
    LinkEmulator link = link(1_000_000, 0, 20 * MILLI, 0);
    for (int i = 0; i < 5000; i++) {
      link.transmit(0, TestFrames.numbered(1, 2, i, 60));
      inner.card().receive(0, TestFrames.numbered(1, 2, i, 60));
    }
    pass(25);
    assertTrue(card.count() > 0 && inner.transmitted.count() > 0, "frames are under way");
    // At once: the time, in which the rest would leave, stands still.
    link.close();
    card.setClosed();
    assertTrue(inner.isClosed());
    assertEquals(0, threads());
    assertTrue(inner.card().receive(0, TestFrames.numbered(1, 2, 0, 60)));
    assertFalse(link.transmit(0, TestFrames.numbered(1, 2, 0, 60)));
    clock.advance(10_000 * MILLI);
    assertNull(card.wrong());
    assertNull(inner.transmitted.wrong());
    link.close();
  }

  @Test
  void closeWithoutStartEndsToo() {
    new LinkEmulator("card", inner, new LinkQuality(1000, 0, 1, 0)).close();
    assertTrue(inner.isClosed());
  }

  @Test
  void aBackendThatThrowsCostsTheFrameAndNotTheNetwork() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    NetworkBackend moody =
        new ForwardingBackend(inner) {
          @Override
          public boolean transmit(int queuePair, Frame frame) {
            if (calls.getAndIncrement() == 0) {
              throw new IllegalStateException("not now");
            }
            return super.transmit(queuePair, frame);
          }
        };
    LinkEmulator link = new LinkEmulator("card", moody, new LinkQuality(0, 0, MILLI, 1), clock);
    link.start(card);
    for (int i = 0; i < 3; i++) {
      link.transmit(0, TestFrames.numbered(1, 2, i, 100));
    }
    pass(3);
    assertArrayEquals(new int[] {1, 2}, numbers(inner.transmitted));
    link.close();
  }

  private static long threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("card "))
        .count();
  }

  @Test
  void threadsAreThereOnlyIfNeeded() throws Exception {
    try (LinkEmulator link = link(0, 0.5, 0, 0)) {
      assertEquals("recording", link.name());
      assertEquals(0, threads());
    }
    try (LinkEmulator link = link(1000, 0.5, 0, 0)) {
      assertEquals(3, link.queuePairs());
      assertEquals(2, threads());
    }
    assertEquals(0, threads());
  }

  @Test
  void whatTheGuestRefusesIsDroppedAndCounted() throws Exception {
    card.setFull(true);
    try (LinkEmulator link = link(0, 0, 0, 0)) {
      assertTrue(inner.card().receive(0, TestFrames.numbered(1, 2, 0, 60)));
      assertEquals(1, link.droppedFrames());
    }
  }

  @Test
  void headerAndQueuePairGoWithTheFrame() throws Exception {
    try (LinkEmulator link = link(0, 0, MILLI, 0)) {
      Frame frame = TestFrames.hex(TestFrames.TCP4);
      frame.header().needChecksum(34, 16);
      link.transmit(2, frame);
      frame.header().clear();
      link.transmit(1, frame);
      pass(1);
      assertEquals(2, inner.transmitted.count());
      List<RecordingCard.Received> sent = inner.transmitted.received();
      assertEquals(Offload.CSUM, sent.get(0).offloads());
      assertEquals(2, sent.get(0).queuePair());
      assertEquals(Offload.NONE, sent.get(1).offloads());
      inner.card().setLink(false);
      assertFalse(card.isUp());
      link.receiveOffloads(3);
      assertEquals(3, inner.receiveOffloads());
      assertEquals(1234, link.mtu().getAsInt());
      assertEquals(Offload.CSUM, link.transmitOffloads());
    }
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new LinkQuality(-1, 0, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> new LinkQuality(0, 1.01, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> new LinkQuality(0, -0.1, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> new LinkQuality(0, Double.NaN, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> new LinkQuality(0, 0, -1, 0));
    assertThrows(IllegalArgumentException.class, () -> new LinkQuality(0, 0, 1L << 60, 0));
  }
}
