// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.frame.Frame;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One end of a socket pair is the stream under test, the other one is raw bytes. */
@Timeout(240)
class FrameStreamTest {
  private static final int SECONDS = 120;

  private final TestCard card = new TestCard();
  private UnixSocket peer;
  private FrameStream stream;
  private CompletableFuture<String> end;

  @BeforeEach
  void connect() throws Exception {
    UnixSocket[] pair = UnixSocket.pair();
    stream = new FrameStream(pair[0]);
    peer = pair[1];
  }

  @AfterEach
  void disconnect() {
    stream.stop();
    if (end != null) {
      end.join();
    }
    stream.close();
    peer.close();
  }

  private void receive(TestCard into) {
    end = new CompletableFuture<>();
    Threads.start("test receive", () -> end.complete(stream.receiveAll(into)));
  }

  /** Sends bytes in chunks of random size; waits as long as the stream does not read. */
  private void send(byte[] bytes, Random random) {
    NativeMemory memory = new NativeMemory(bytes.length);
    memory.buffer().put(0, bytes);
    int sent = 0;
    while (sent < bytes.length) {
      int chunk = 1 + random.nextInt(random.nextInt(10) == 0 ? 100_000 : 20);
      long result = peer.send(memory.address() + sent, Math.min(chunk, bytes.length - sent));
      if (result > 0) {
        sent += (int) result;
      } else if (!peer.awaitRoom(SECONDS * 1000)) {
        fail("the stream does not read");
      }
    }
  }

  private byte[] readFully(int length) {
    NativeMemory memory = new NativeMemory(length);
    int got = 0;
    while (got < length) {
      long result = peer.receive(memory.address() + got, length - got);
      assertTrue(result > 0, "end of stream");
      got += (int) result;
    }
    byte[] bytes = new byte[length];
    memory.buffer().get(0, bytes);
    return bytes;
  }

  private byte[] readFrame() {
    byte[] prefix = readFully(4);
    return readFully(java.nio.ByteBuffer.wrap(prefix).getInt());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void framesArriveWholeHoweverTheyAreCut(long seed) throws Exception {
    Random random = new Random(seed);
    List<byte[]> sent = new ArrayList<>();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < 400; i++) {
      sent.add(TestFrames.random(random, TestFrames.length(random)));
      TestFrames.put(bytes, sent.get(i));
    }
    receive(card);
    send(bytes.toByteArray(), random);
    for (byte[] frame : sent) {
      assertArrayEquals(frame, card.take());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void framesAreSentWhole(long seed) throws Exception {
    Random random = new Random(seed);
    List<byte[]> sent = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      sent.add(TestFrames.random(random, TestFrames.length(random)));
    }
    CompletableFuture<Void> sender =
        CompletableFuture.runAsync(
            () -> sent.forEach(f -> assertTrue(stream.transmit(TestFrames.frame(f)))));
    for (byte[] frame : sent) {
      assertArrayEquals(frame, readFrame());
    }
    sender.get(SECONDS, TimeUnit.SECONDS);
  }

  @Test
  void framesTooShortAreSkipped() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int length : new int[] {0, 1, 13}) {
      TestFrames.put(bytes, new byte[length]);
    }
    TestFrames.put(bytes, new byte[14]);
    receive(card);
    send(bytes.toByteArray(), new Random(1));
    assertEquals(14, card.take().length);
  }

  @ParameterizedTest
  @ValueSource(ints = {Frame.MAX_BYTES + 1, 0x7fffffff, 0x80000000, -1})
  void impossibleLengthEndsTheConnection(int length) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TestFrames.put(bytes, new byte[20]);
    TestFrames.length(bytes, length);
    receive(card);
    send(bytes.toByteArray(), new Random(1));
    String reason = end.get(SECONDS, TimeUnit.SECONDS);
    assertTrue(reason.contains(Integer.toUnsignedString(length) + " bytes"), reason);
    assertEquals(1, card.waiting());
  }

  @Test
  void peerThatClosesEndsTheConnection() throws Exception {
    receive(card);
    peer.close();
    assertEquals("closed the connection", end.get(SECONDS, TimeUnit.SECONDS));
    assertFalse(stream.transmit(TestFrames.frame(new byte[60])));
  }

  @Test
  void peerThatClosesInTheMiddleOfAFrame() throws Exception {
    receive(card);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TestFrames.length(bytes, 1000);
    bytes.writeBytes(new byte[500]);
    send(bytes.toByteArray(), new Random(1));
    peer.close();
    assertEquals("closed the connection", end.get(SECONDS, TimeUnit.SECONDS));
    assertEquals(0, card.waiting());
  }

  /** Memory does not grow: what the card has no room for stays in the socket, then in the peer. */
  @Test
  void fullCardStopsThePeer() throws Exception {
    TestCard full = new TestCard(3);
    receive(full);
    NativeMemory memory = new NativeMemory(1004);
    memory.buffer().order(java.nio.ByteOrder.BIG_ENDIAN).putInt(0, 1000);
    int sent = 0;
    while (sent % 1004 != 0 || peer.awaitRoom(500)) {
      long result = peer.send(memory.address() + sent % 1004, 1004 - sent % 1004);
      sent += (int) Math.max(result, 0);
      assertTrue(sent < 8 << 20, "no back pressure");
      if (result < 0) {
        if (!peer.awaitRoom(500)) {
          break;
        }
      }
    }
    int whole = sent / 1004;
    for (int i = 0; i < whole; i++) {
      assertEquals(1000, full.take().length);
    }
    peer.close();
    end.get(SECONDS, TimeUnit.SECONDS);
    assertEquals(0, full.waiting());
  }

  /** A peer that never reads: one wait, then drops at once, nothing torn when it reads again. */
  @Test
  void peerThatDoesNotRead() throws Exception {
    Random random = new Random(5);
    List<byte[]> taken = new ArrayList<>();
    int dropped = 0;
    // Each waiting for a fifth of a second it would take 10 minutes.
    for (int i = 0; i < 3000; i++) {
      byte[] bytes = TestFrames.random(random, TestFrames.length(random));
      if (stream.transmit(TestFrames.frame(bytes))) {
        taken.add(bytes);
      } else {
        dropped++;
      }
    }
    assertTrue(dropped > 2000, "dropped " + dropped);

    int reading = taken.size();
    CompletableFuture<Void> reader =
        CompletableFuture.runAsync(
            () -> {
              for (int i = 0; i < reading; i++) {
                assertArrayEquals(taken.get(i), readFrame());
              }
            });
    byte[] last = new byte[77];
    while (!stream.transmit(TestFrames.frame(last))) {
      TimeUnit.MILLISECONDS.sleep(1);
    }
    reader.get(SECONDS, TimeUnit.SECONDS);
    assertArrayEquals(last, readFrame());
  }

  @Test
  void closingEndsAWaitingTransmit() throws Exception {
    receive(card);
    CompletableFuture<Boolean> sender =
        CompletableFuture.supplyAsync(
            () -> {
              Frame frame = TestFrames.frame(new byte[Frame.MAX_BYTES]);
              while (stream.transmit(frame)) {
                Thread.onSpinWait();
              }
              return true;
            });
    TimeUnit.MILLISECONDS.sleep(30);
    stream.stop();
    assertNotNull(end.get(SECONDS, TimeUnit.SECONDS));
    stream.close();
    assertTrue(sender.get(SECONDS, TimeUnit.SECONDS));
    assertFalse(stream.transmit(TestFrames.frame(new byte[60])));
    stream.close();
  }
}
