// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class UnixSocketTest {
  private static final int SECONDS = 120;

  @TempDir Path directory;
  private final NativeMemory memory = new NativeMemory(1 << 20);

  @Test
  void connectsAndCarriesBytes() throws Exception {
    String path = directory.resolve("s").toString();
    try (UnixSocket listener = UnixSocket.listen(path, 1);
        UnixSocket client = UnixSocket.connect(path);
        UnixSocket server = listener.accept()) {
      memory.buffer().putLong(0, 0x0123456789abcdefL);
      assertEquals(8, client.send(memory.address(), 8));
      assertEquals(8, server.receive(memory.address() + 100, 1000));
      assertEquals(0x0123456789abcdefL, memory.buffer().getLong(100));
    }
  }

  @Test
  void pathsOfTheLargestSizeAndMore() throws Exception {
    String longest =
        directory.resolve("x".repeat(107 - directory.toString().length() - 1)).toString();
    UnixSocket.listen(longest, 1).close();
    LinuxException e =
        assertThrows(LinuxException.class, () -> UnixSocket.listen(longest + "x", 1));
    assertEquals(Errno.ENAMETOOLONG, e.errno());
    assertTrue(e.getMessage().contains("108 bytes, 107 are the most"), e.getMessage());
    // Bytes count, not characters.
    assertThrows(
        LinuxException.class, () -> UnixSocket.connect(longest.substring(0, 106) + "\u00e4"));
    assertThrows(LinuxException.class, () -> UnixSocket.connect(""));
    assertThrows(LinuxException.class, () -> UnixSocket.connect("a\0b"));
  }

  @Test
  void fullSocketDoesNotBlock() throws Exception {
    UnixSocket[] pair = UnixSocket.pair();
    pair[0].bufferBytes(1 << 16);
    long sent = 0;
    long result;
    do {
      result = pair[0].send(memory.address(), 1 << 20);
      sent += Math.max(result, 0);
    } while (result > 0);
    assertEquals(-Errno.EAGAIN, result);
    assertFalse(pair[0].awaitRoom(20));
    for (long got = 0; got < sent; ) {
      got += pair[1].receive(memory.address(), 1 << 20);
    }
    assertTrue(pair[0].awaitRoom(1000));
    pair[0].close();
    pair[1].close();
  }

  @Test
  void goneListenerAndPeerAreErrors() throws Exception {
    String path = directory.resolve("s").toString();
    UnixSocket.listen(path, 1).close();
    LinuxException e = assertThrows(LinuxException.class, () -> UnixSocket.connect(path));
    assertEquals(Errno.ECONNREFUSED, e.errno());
    assertTrue(e.getMessage().startsWith("connect " + path + ": ECONNREFUSED"), e.getMessage());
    e = assertThrows(LinuxException.class, () -> UnixSocket.listen(path, 1));
    assertEquals(Errno.EADDRINUSE, e.errno());

    UnixSocket[] pair = UnixSocket.pair();
    pair[1].close();
    assertEquals(-Errno.EPIPE, pair[0].send(memory.address(), 1));
    assertEquals(0, pair[0].receive(memory.address(), 1));
    pair[0].close();
  }

  @Test
  void fullBacklogIsAnError() throws Exception {
    String path = directory.resolve("s").toString();
    try (UnixSocket listener = UnixSocket.listen(path, 0);
        UnixSocket first = UnixSocket.connect(path)) {
      LinuxException e = assertThrows(LinuxException.class, () -> UnixSocket.connect(path));
      assertEquals(Errno.EAGAIN, e.errno());
      listener.accept().close();
      assertEquals(0, first.receive(memory.address(), 1));
    }
  }

  @Test
  void shutdownEndsWaiting() throws Exception {
    UnixSocket listener = UnixSocket.listen(directory.resolve("s").toString(), 1);
    UnixSocket[] pair = UnixSocket.pair();
    CompletableFuture<Integer> accept =
        CompletableFuture.supplyAsync(
            () -> assertThrows(LinuxException.class, listener::accept).errno());
    CompletableFuture<Long> receive =
        CompletableFuture.supplyAsync(() -> pair[0].receive(memory.address(), 1));
    TimeUnit.MILLISECONDS.sleep(50);
    listener.shutdown();
    pair[0].shutdown();
    assertEquals(Errno.EINVAL, accept.get(SECONDS, TimeUnit.SECONDS));
    assertEquals(0, receive.get(SECONDS, TimeUnit.SECONDS));
    listener.close();
    pair[0].close();
    pair[1].close();
  }
}
