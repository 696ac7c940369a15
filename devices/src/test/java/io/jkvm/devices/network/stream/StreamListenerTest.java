// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several processes' cards, here in one process, around one listening socket. */
@Timeout(300)
class StreamListenerTest {
  private static final byte[] BROADCAST = {-1, -1, -1, -1, -1, -1};

  /** A mark of frames that close a sequence; those of others are smaller. */
  private static final int FENCE = 1000;

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

  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  /** Closes it after the test, however that ends. */
  private <T extends AutoCloseable> T keep(T resource) {
    open.push(resource);
    return resource;
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable resource : open) {
      resource.close();
    }
  }

  private static int mark(byte[] frame) {
    return ByteBuffer.wrap(frame).getInt(12);
  }

  /** Frames to all: as nothing overtakes them, each card got nothing before but what was taken. */
  private static void assertNothingElse(List<TestCard> cards, List<NetworkBackend> backends)
      throws Exception {
    for (int from = 0; from < cards.size(); from++) {
      assertTrue(
          backends.get(from).transmit(0, TestFrames.frame(frame(BROADCAST, from, FENCE + from))));
    }
    for (int to = 0; to < cards.size(); to++) {
      Set<Integer> expected = new HashSet<>();
      Set<Integer> got = new HashSet<>();
      for (int from = 0; from < cards.size(); from++) {
        if (from != to) {
          expected.add(FENCE + from);
          got.add(mark(cards.get(to).take()));
        }
      }
      assertEquals(expected, got);
      assertEquals(0, cards.get(to).waiting());
    }
  }

  /** A frame to all that each card gets shows that it is connected, and where its address is. */
  private static void learn(List<TestCard> cards, List<NetworkBackend> backends) throws Exception {
    for (int i = 0; i < cards.size(); i++) {
      NetworkBackend from = backends.get(i);
      for (int j = 0; j < cards.size(); j++) {
        while (j != i && cards.get(j).poll(10) == null) {
          from.transmit(0, TestFrames.frame(frame(BROADCAST, i, 0)));
        }
      }
      // Everybody is connected; the last one says that the others are all taken.
      assertTrue(from.transmit(0, TestFrames.frame(frame(BROADCAST, i, FENCE))));
      for (int j = 0; j < cards.size(); j++) {
        while (j != i && mark(cards.get(j).take()) != FENCE) {
          // One of those before.
        }
      }
    }
  }

  /** 80 MiB of buffers if each had its own. */
  @Test
  void peersThatComeAndGoShareTheirBuffers() throws Exception {
    BufferPoolMXBean direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .findFirst()
            .orElseThrow();
    keep(new StreamListener("listener", path())).start(new TestCard());
    NativeMemory nonsense = new NativeMemory(4);
    nonsense.buffer().putInt(0, -1);
    long before = direct.getMemoryUsed();
    for (int i = 0; i < 200; i++) {
      try (UnixSocket peer = UnixSocket.connect(path())) {
        assertEquals(4, peer.send(nonsense.address(), 4));
        assertEquals(0, peer.receive(nonsense.address(), 4), "disconnected");
      }
    }
    long grown = direct.getMemoryUsed() - before;
    assertTrue(grown < 8 << 20, grown + " bytes");
  }

  @Test
  void joinsThreePeersAndItself() throws Exception {
    List<TestCard> cards = new ArrayList<>();
    List<NetworkBackend> backends = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      cards.add(new TestCard());
      backends.add(
          keep(
              i == 0
                  ? new StreamListener("socket", path())
                  : new StreamBackend("peer" + i, path())));
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
    assertNothingElse(cards, backends);

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
    StreamListener first = keep(new StreamListener("socket", path()));
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
    StreamListener listener = keep(new StreamListener("socket", path()));
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
        peers.add(keep(UnixSocket.connect(path())));
        new FrameStream(peers.get(i)).transmit(TestFrames.frame(frame(BROADCAST, i, i)));
        own.take();
      }
      NativeMemory bytes = new NativeMemory(1);
      UnixSocket refused = keep(UnixSocket.connect(path()));
      assertEquals(0, refused.receive(bytes.address(), 1));

      peers.remove(0).close();
      TestCard card = new TestCard();
      try (StreamBackend late = new StreamBackend("late", path())) {
        late.start(card);
        while (own.poll(10) == null) {
          late.transmit(0, TestFrames.frame(frame(BROADCAST, 99, 99)));
        }
      }
    }
  }

  /** One who never reads costs the others no more than a wait now and then. */
  @Test
  void aPeerThatDoesNotReadHoldsUpNobody() throws Exception {
    TestCard card = new TestCard();
    try (StreamListener listener = new StreamListener("socket", path());
        StreamBackend peer = new StreamBackend("peer", path())) {
      listener.start(new TestCard());
      keep(UnixSocket.connect(path()));
      peer.start(card);
      while (card.poll(10) == null) {
        listener.transmit(0, TestFrames.frame(frame(BROADCAST, 1, 0)));
      }
      byte[] large = ByteBuffer.allocate(9000).put(BROADCAST).put(address(1)).array();
      // Waiting for a fifth of a second each time would take longer than the test may.
      for (int i = 0; i < 1000; i++) {
        listener.transmit(0, TestFrames.frame(large));
      }
    }
  }

  /** Nor do as many as may connect, all of them deaf, each of which is waited for a little. */
  @Test
  void allPeersThatDoNotReadTogetherHoldUpNobody() throws Exception {
    try (StreamListener listener = new StreamListener("socket", path())) {
      TestCard own = new TestCard();
      listener.start(own);
      for (int i = 0; i < StreamListener.MAX_PEERS; i++) {
        UnixSocket deaf = keep(UnixSocket.connect(path()));
        new FrameStream(deaf).transmit(TestFrames.frame(frame(BROADCAST, 2 + i, i)));
        own.take();
      }
      byte[] large = ByteBuffer.allocate(9000).put(BROADCAST).put(address(1)).array();
      // Only a wait for all of them together is short enough for the test's time limit.
      for (int i = 0; i < 1000; i++) {
        listener.transmit(0, TestFrames.frame(large));
      }
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
      UnixSocket broken = keep(UnixSocket.connect(path()));
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
