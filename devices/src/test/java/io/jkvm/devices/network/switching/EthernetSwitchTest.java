// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.switching;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.testing.RecordingCard;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EthernetSwitchTest {
  private static final long SECOND = 1_000_000_000L;

  private final AtomicLong nanos = new AtomicLong();
  private final EthernetSwitch network = new EthernetSwitch("lab", nanos::get);
  private final List<NetworkBackend> ports = new ArrayList<>();
  private final List<RecordingCard> cards = new ArrayList<>();

  private void plug(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      NetworkBackend port = network.newPort();
      RecordingCard card = new RecordingCard();
      port.start(card);
      ports.add(port);
      cards.add(card);
    }
  }

  private boolean send(int port, int destination, int source) {
    return ports.get(port).transmit(0, TestFrames.numbered(destination, source, 0, 60));
  }

  private void assertCounts(int... expected) {
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], cards.get(i).count(), "frames at port " + i);
    }
  }

  @Test
  void floodsWhatItDoesNotKnowAndLearnsWhoSentIt() throws IOException {
    plug(3);
    assertTrue(send(0, 11, 10));
    assertCounts(0, 1, 1);
    assertTrue(send(1, 10, 11));
    assertCounts(1, 1, 1);
    assertTrue(send(0, 11, 10));
    assertCounts(1, 2, 1);
  }

  @Test
  void groupAddressesGoToAllAndAreNeverLearned() throws IOException {
    plug(3);
    Frame broadcast = new Frame();
    broadcast.bytes().writeLong(-1L).writeLong(-1L).writeZero(44);
    assertTrue(ports.get(0).transmit(0, broadcast));
    assertTrue(ports.get(1).transmit(0, broadcast));
    assertCounts(1, 1, 2);
    assertEquals(0, network.addressCount());
  }

  @Test
  void frameForThePortItCameFromGoesNowhere() throws IOException {
    plug(3);
    send(0, 99, 10);
    send(0, 10, 12);
    assertCounts(0, 1, 1);
  }

  @Test
  void movedAddressIsFollowed() throws IOException {
    plug(3);
    send(0, 99, 10);
    send(1, 99, 10);
    assertEquals(1, network.addressCount());
    send(2, 10, 12);
    assertCounts(1, 2, 2);
  }

  @Test
  void addressesAreForgottenAfter300Seconds() throws IOException {
    plug(3);
    send(0, 99, 10);
    nanos.set(299 * SECOND);
    send(1, 10, 11);
    assertCounts(1, 1, 1);
    nanos.set(300 * SECOND);
    send(1, 10, 11);
    assertCounts(2, 1, 2);
  }

  @Test
  void tooShortFramesAreDropped() throws IOException {
    plug(2);
    Frame frame = new Frame();
    frame.bytes().writeZero(13);
    assertFalse(ports.get(0).transmit(0, frame));
    assertFalse(ports.get(0).transmit(0, frame.reset()));
    assertCounts(0, 0);
  }

  @Test
  void fullCardRefusesWhatIsForItAlone() throws IOException {
    plug(3);
    send(1, 99, 11);
    cards.get(1).setFull(true);
    assertFalse(send(0, 11, 10));
    assertTrue(send(0, 98, 10), "others may take it");
  }

  @Test
  void manyPortsHearOneFloodEachAndTalkInPairs() throws IOException {
    plug(200);
    for (int i = 0; i < 200; i++) {
      send(i, 0xfff, i + 1);
    }
    for (RecordingCard card : cards) {
      assertEquals(199, card.count());
    }
    for (int i = 0; i < 200; i++) {
      assertTrue(send(i, (i + 100) % 200 + 1, i + 1));
    }
    for (RecordingCard card : cards) {
      assertEquals(200, card.count());
    }
  }

  @Test
  void floodOfSourcesNeitherGrowsTheTableNorDrivesOthersOut() throws IOException {
    plug(2);
    for (int i = 0; i < 20; i++) {
      send(1, 0xffff, 100 + i);
    }
    Frame frame = TestFrames.numbered(0xffff, 1, 0, 60);
    cards.get(1).setFull(true);
    for (int i = 0; i < 300_000; i++) {
      frame.bytes().setInt(frame.bytes().readerIndex() + 8, i * 0x9e3779b1);
      ports.get(0).transmit(0, frame);
    }
    cards.get(1).setFull(false);
    plug(1);
    assertTrue(network.addressCount() <= AddressTable.CAPACITY);
    assertTrue(network.addressCount() > AddressTable.CAPACITY / 2, "the flood was learned");
    int before = cards.get(0).count();
    int after = cards.get(1).count();
    for (int i = 0; i < 20; i++) {
      send(2, 100 + i, 50);
    }
    assertEquals(before, cards.get(0).count(), "still known, hence not flooded");
    assertEquals(after + 20, cards.get(1).count());
  }

  @Test
  void queuePairOfTheSenderIsFoldedIntoTheReceiversRange() throws IOException {
    NetworkBackend two = network.newPort(2);
    RecordingCard card = new RecordingCard();
    two.start(card);
    NetworkBackend five = network.newPort(5);
    five.start(new RecordingCard());
    five.transmit(4, TestFrames.numbered(1, 2, 0, 60));
    five.transmit(3, TestFrames.numbered(1, 2, 0, 60));
    assertEquals(0, card.received().get(0).queuePair());
    assertEquals(1, card.received().get(1).queuePair());
    assertThrows(IllegalArgumentException.class, () -> network.newPort(0));
  }

  @Test
  void offloadsAreLeftToTheReceiver() throws IOException {
    plug(2);
    Frame frame = TestFrames.numbered(1, 2, 0, 60);
    frame.header().needChecksum(20, 2);
    ports.get(0).transmit(0, frame);
    assertEquals(Offload.CSUM, cards.get(1).received().get(0).offloads());
    assertEquals(Offload.SOFTWARE, ports.get(0).transmitOffloads());
    assertEquals("lab", ports.get(0).name());
  }

  @Test
  void closedPortIsGoneAndItsAddressesWithIt() throws IOException {
    plug(3);
    send(1, 99, 11);
    ports.get(1).close();
    ports.get(1).close();
    assertEquals(0, network.addressCount());
    assertEquals(2, network.portCount());
    assertTrue(send(0, 11, 10));
    assertCounts(1, 0, 2);
    assertFalse(send(1, 10, 11));
    assertThrows(IOException.class, () -> ports.get(1).start(cards.get(1)));
    assertFalse(network.newPort().transmit(0, TestFrames.numbered(1, 2, 0, 60)), "not started");
  }
}
