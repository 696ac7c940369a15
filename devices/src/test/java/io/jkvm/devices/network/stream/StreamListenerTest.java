// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several processes' cards, here in one process, around one listening socket. */
@Timeout(60)
class StreamListenerTest {
  private static final byte[] BROADCAST = {-1, -1, -1, -1, -1, -1};

  @TempDir Path directory;

  private String path() {
    return directory.resolve("socket").toString();
  }

  private static byte[] address(int number) {
    return new byte[] {0x52, 0x54, 0, 0, 0, (byte) number};
  }

  private static byte[] frame(byte[] to, int from, int mark) {
    return ByteBuffer.allocate(60).put(to).put(address(from)).putInt(mark).array();
  }

  private static void assertNothing(TestCard... cards) throws Exception {
    for (TestCard card : cards) {
      assertNull(card.poll(50));
    }
  }

  /** A frame to all that each card gets shows that it is connected, and where its address is. */
  private static void learn(List<TestCard> cards, List<NetworkBackend> backends) throws Exception {
    for (int i = 0; i < cards.size(); i++) {
      NetworkBackend from = backends.get(i);
      for (int j = 0; j < cards.size(); j++) {
        while (j != i && cards.get(j).waiting() == 0) {
          from.transmit(0, TestFrames.frame(frame(BROADCAST, i, 0)));
          Thread.sleep(10);
        }
      }
      Thread.sleep(50);
      for (TestCard card : cards) {
        while (card.waiting() > 0) {
          card.take();
        }
      }
    }
  }

  @Test
  void joinsThreePeersAndItself() throws Exception {
    List<TestCard> cards = new ArrayList<>();
    List<NetworkBackend> backends = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      cards.add(new TestCard());
      backends.add(
          i == 0 ? new StreamListener("socket", path()) : new StreamBackend("peer" + i, path()));
      backends.get(i).start(cards.get(i));
    }
    learn(cards, backends);
    for (int from = 0; from < 4; from++) {
      for (int to = 0; to < 4; to++) {
        if (from != to) {
          byte[] frame = frame(address(to), from, from * 4 + to);
          assertTrue(backends.get(from).transmit(0, TestFrames.frame(frame)));
          assertArrayEquals(frame, cards.get(to).take());
        }
      }
    }
    assertNothing(cards.toArray(new TestCard[0]));

    backends.get(3).close();
    byte[] frame = frame(BROADCAST, 1, 77);
    assertTrue(backends.get(1).transmit(0, TestFrames.frame(frame)));
    assertArrayEquals(frame, cards.get(0).take());
    assertArrayEquals(frame, cards.get(2).take());

    backends.get(0).close();
    assertFalse(cards.get(1).takeLink());
    assertFalse(cards.get(2).takeLink());
    assertEquals(0, cards.get(0).linkChanges());
    assertFalse(Files.exists(directory.resolve("socket")));
    backends.get(1).close();
    backends.get(2).close();
  }

  @Test
  void peersComeBackToANewListener() throws Exception {
    TestCard card = new TestCard();
    StreamListener first = new StreamListener("socket", path());
    first.start(new TestCard());
    try (StreamBackend peer = new StreamBackend("peer", path())) {
      peer.start(card);
      first.close();
      assertFalse(card.takeLink());
      TestCard second = new TestCard();
      try (StreamListener listener = new StreamListener("socket", path())) {
        listener.start(second);
        assertTrue(card.takeLink());
        assertTrue(peer.transmit(0, TestFrames.frame(frame(BROADCAST, 1, 5))));
        assertEquals(60, second.take().length);
      }
    }
  }

  @Test
  void refusesAFileThatIsServed() throws Exception {
    try (StreamListener listener = new StreamListener("socket", path())) {
      listener.start(new TestCard());
      try (StreamListener other = new StreamListener("socket", path())) {
        IOException e = assertThrows(IOException.class, () -> other.start(new TestCard()));
        assertEquals(
            path() + " is already served; connect to it or choose another name", e.getMessage());
      }
      assertTrue(Files.exists(Path.of(path())));
    }
    assertFalse(Files.exists(Path.of(path())));
  }

  @Test
  void refusesAFileThatIsNoSocket() throws Exception {
    Files.writeString(Path.of(path()), "mine");
    try (StreamListener listener = new StreamListener("socket", path())) {
      IOException e = assertThrows(IOException.class, () -> listener.start(new TestCard()));
      assertTrue(e.getMessage().contains("is no socket"), e.getMessage());
    }
    assertEquals("mine", Files.readString(Path.of(path())));
  }

  @Test
  void refusesADirectoryThatIsNot() {
    try (StreamListener listener =
        new StreamListener("socket", directory.resolve("no/socket").toString())) {
      IOException e = assertThrows(IOException.class, () -> listener.start(new TestCard()));
      assertTrue(e.getMessage().contains("ENOENT"), e.getMessage());
    }
  }

  @Test
  void replacesAStaleSocketAndLeavesAnothersFile() throws Exception {
    UnixSocket.listen(path(), 1).close();
    StreamListener listener = new StreamListener("socket", path());
    listener.start(new TestCard());
    Files.delete(Path.of(path()));
    Files.writeString(Path.of(path()), "mine");
    listener.close();
    assertEquals("mine", Files.readString(Path.of(path())));
  }

  @Test
  void boundsTheNumberOfPeers() throws Exception {
    TestCard own = new TestCard();
    List<UnixSocket> peers = new ArrayList<>();
    try (StreamListener listener = new StreamListener("socket", path())) {
      listener.start(own);
      for (int i = 0; i < StreamListener.MAX_PEERS; i++) {
        peers.add(UnixSocket.connect(path()));
        new FrameStream(peers.get(i)).transmit(TestFrames.frame(frame(BROADCAST, i, i)));
        own.take();
      }
      NativeMemory bytes = new NativeMemory(1);
      UnixSocket refused = UnixSocket.connect(path());
      assertEquals(0, refused.receive(bytes.address(), 1));
      refused.close();

      peers.remove(0).close();
      TestCard card = new TestCard();
      try (StreamBackend late = new StreamBackend("late", path())) {
        late.start(card);
        while (own.waiting() == 0) {
          late.transmit(0, TestFrames.frame(frame(BROADCAST, 99, 99)));
          Thread.sleep(20);
        }
      }
    } finally {
      peers.forEach(UnixSocket::close);
    }
  }

  /** One who never reads costs the others no more than a wait now and then. */
  @Test
  void aPeerThatDoesNotReadHoldsUpNobody() throws Exception {
    TestCard card = new TestCard();
    try (StreamListener listener = new StreamListener("socket", path());
        StreamBackend peer = new StreamBackend("peer", path())) {
      listener.start(new TestCard());
      UnixSocket deaf = UnixSocket.connect(path());
      peer.start(card);
      while (card.waiting() == 0) {
        listener.transmit(0, TestFrames.frame(frame(BROADCAST, 1, 0)));
        Thread.sleep(10);
      }
      byte[] large = ByteBuffer.allocate(9000).put(BROADCAST).put(address(1)).array();
      long start = System.nanoTime();
      for (int i = 0; i < 1000; i++) {
        listener.transmit(0, TestFrames.frame(large));
      }
      assertTrue(System.nanoTime() - start < 3_000_000_000L);
      deaf.close();
    }
  }

  /** Nor do as many as may connect, all of them deaf, each of which is waited for a little. */
  @Test
  void allPeersThatDoNotReadTogetherHoldUpNobody() throws Exception {
    List<UnixSocket> deaf = new ArrayList<>();
    try (StreamListener listener = new StreamListener("socket", path())) {
      TestCard own = new TestCard();
      listener.start(own);
      for (int i = 0; i < StreamListener.MAX_PEERS; i++) {
        deaf.add(UnixSocket.connect(path()));
        new FrameStream(deaf.get(i)).transmit(TestFrames.frame(frame(BROADCAST, 2 + i, i)));
        own.take();
      }
      byte[] large = ByteBuffer.allocate(9000).put(BROADCAST).put(address(1)).array();
      long longest = 0;
      for (int i = 0; i < 1000; i++) {
        long start = System.nanoTime();
        listener.transmit(0, TestFrames.frame(large));
        longest = Math.max(longest, System.nanoTime() - start);
      }
      assertTrue(longest < 500_000_000L, longest + " ns for one frame");
    } finally {
      deaf.forEach(UnixSocket::close);
    }
  }

  @Test
  void leavesADeviceWhereItIs() throws Exception {
    assertEquals(0, new ProcessBuilder("mkfifo", path()).start().waitFor());
    try (StreamListener listener = new StreamListener("socket", path())) {
      IOException e = assertThrows(IOException.class, () -> listener.start(new TestCard()));
      assertTrue(e.getMessage().contains("is no socket"), e.getMessage());
    }
    assertTrue(Files.exists(Path.of(path())));
  }

  @Test
  void garbageFromOnePeerLeavesTheOthers() throws Exception {
    TestCard own = new TestCard();
    try (StreamListener listener = new StreamListener("socket", path());
        StreamBackend peer = new StreamBackend("peer", path())) {
      listener.start(own);
      peer.start(new TestCard());
      UnixSocket broken = UnixSocket.connect(path());
      NativeMemory bytes = new NativeMemory(4);
      bytes.buffer().putInt(0, -1);
      broken.send(bytes.address(), 4);
      assertEquals(0, broken.receive(bytes.address(), 4));
      broken.close();
      assertTrue(peer.transmit(0, TestFrames.frame(frame(BROADCAST, 2, 2))));
      assertEquals(60, own.take().length);
    }
  }
}
