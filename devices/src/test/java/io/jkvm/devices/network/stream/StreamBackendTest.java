// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The connecting side against sockets that come and go. */
@Timeout(300)
class StreamBackendTest {
  @TempDir Path directory;
  private final TestCard card = new TestCard();

  private String path() {
    return directory.resolve("socket").toString();
  }

  private void assertRefused(String path, String... words) {
    try (StreamBackend backend = new StreamBackend("socket", path)) {
      String message = assertThrows(IOException.class, () -> backend.start(card)).getMessage();
      assertFalse(message.contains("\n"), message);
      for (String word : words) {
        assertTrue(message.contains(word), message);
      }
    }
  }

  @Test
  void saysWhyItCannotConnect() throws Exception {
    assertRefused(path(), path(), "ENOENT", "start the program that listens");
    UnixSocket.listen(path(), 1).close();
    assertRefused(path(), path(), "ECONNREFUSED", "start the program that listens");
    assertRefused(directory.resolve("x".repeat(108)).toString(), "ENAMETOOLONG", "107");
    assertRefused("", "EINVAL");
    Path file = Files.createFile(directory.resolve("file"));
    assertRefused(file.toString(), "ECONNREFUSED");
  }

  @Test
  void linkFollowsThePeer() throws Exception {
    SocketFile listener = new SocketFile(path());
    StreamBackend backend = new StreamBackend("socket", path());
    backend.start(card);
    UnixSocket peer = listener.socket().accept();
    FrameStream frames = new FrameStream(peer);
    assertTrue(frames.transmit(TestFrames.frame(new byte[60])));
    assertEquals(60, card.take().length);
    assertEquals(0, card.linkChanges());

    frames.close();
    assertFalse(card.takeLink());
    assertFalse(backend.transmit(0, TestFrames.frame(new byte[60])));
    listener.close();

    listener = new SocketFile(path());
    FrameStream again = new FrameStream(listener.socket().accept());
    assertTrue(card.takeLink());
    TestCard far = new TestCard();
    WorkerThread reader = new WorkerThread("test receive", () -> again.receiveAll(far)).start();
    byte[] bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    assertTrue(backend.transmit(0, TestFrames.frame(bytes)));
    assertArrayEquals(bytes, far.take());
    backend.close();
    reader.join();
    again.close();
    listener.close();
    assertFalse(backend.transmit(0, TestFrames.frame(bytes)));
    assertEquals(0, card.linkChanges());
  }

  @Test
  void garbageBringsTheLinkDown() throws Exception {
    try (SocketFile listener = new SocketFile(path());
        StreamBackend backend = new StreamBackend("socket", path())) {
      backend.start(card);
      UnixSocket peer = listener.socket().accept();
      NativeMemory bytes = new NativeMemory(100);
      bytes.buffer().putInt(0, -1);
      peer.send(bytes.address(), 100);
      assertFalse(card.takeLink());
      assertEquals(0, peer.receive(bytes.address(), 100));
      peer.close();
    }
  }

  @Test
  void closingWhileReconnecting() throws Exception {
    SocketFile listener = new SocketFile(path());
    StreamBackend backend = new StreamBackend("socket", path());
    backend.start(card);
    listener.socket().accept().close();
    listener.close();
    assertFalse(card.takeLink());
    backend.close();
    assertEquals(0, card.linkChanges());
  }
}
