// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Libc;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pipe stands for the terminal: it holds 64 KiB as well. The filter's escape key is Ctrl-X. */
@Timeout(60)
class ConsoleInputTest {
  private static final byte ESCAPE = 24;
  private static final int PIPE_BYTES = 64 << 10;

  @TempDir Path directory;
  private final Guest guest = new Guest();
  private final CountDownLatch escaped = new CountDownLatch(1);
  private NamedPipe pipe;

  /** A port of 16 bytes, or of none while the guest is deaf. */
  private static final class Guest implements ConsoleInput.Sink {
    private final ByteArrayOutputStream got = new ByteArrayOutputStream();
    private boolean deaf;
    private int asked;
    private Runnable roomListener = () -> {};

    @Override
    public synchronized int receive(byte[] bytes, int from, int length) {
      int taken = deaf ? 0 : Math.min(16, length);
      got.write(bytes, from, taken);
      asked = length;
      notifyAll();
      if (taken > 0) {
        roomListener.run();
      }
      return taken;
    }

    /** Waits until the guest was offered so many bytes at once. */
    synchronized void awaitAsked(int length) throws InterruptedException {
      while (asked < length) {
        wait();
      }
    }

    synchronized void onRoom(Runnable listener) {
      roomListener = listener;
    }

    synchronized void setDeaf(boolean now) {
      deaf = now;
    }

    synchronized byte[] await(int count) throws InterruptedException {
      while (got.size() < count) {
        wait();
      }
      return got.toByteArray();
    }
  }

  @BeforeEach
  void open() throws Exception {
    pipe = new NamedPipe(directory);
  }

  @AfterEach
  void close() {
    pipe.close();
  }

  private ConsoleInput terminal() throws Exception {
    return ConsoleInput.ofTerminal("m", pipe.readEnd, guest, this::filter);
  }

  private int filter(byte[] keys, int count, byte[] passed) {
    int length = 0;
    for (int i = 0; i < count; i++) {
      if (keys[i] == ESCAPE) {
        escaped.countDown();
      } else {
        passed[length++] = keys[i];
      }
    }
    return length;
  }

  /** Writes in the way that a terminal is pasted into: what there is no room for waits. */
  private Thread paste(byte[] bytes) {
    Thread thread =
        new Thread(
            () -> {
              try {
                Files.write(directory.resolve("fifo"), bytes, StandardOpenOption.WRITE);
              } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static byte[] keys(int count) {
    byte[] bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    for (int i = 0; i < count; i++) {
      bytes[i] = bytes[i] == ESCAPE ? 0 : bytes[i];
    }
    return bytes;
  }

  @Test
  void aLargePasteLosesNothing() throws Exception {
    byte[] pasted = keys(100_000);
    try (ConsoleInput input = terminal()) {
      guest.onRoom(input::roomAvailable);
      input.start();
      paste(pasted);
      assertArrayEquals(pasted, guest.await(pasted.length));
    }
  }

  @Test
  void theEscapeWorksBehindAPasteThatTheGuestDoesNotTake() throws Exception {
    guest.setDeaf(true);
    byte[] pasted = keys(20_000);
    byte[] typed = java.util.Arrays.copyOf(pasted, pasted.length + 1);
    typed[pasted.length] = ESCAPE;
    try (ConsoleInput input = terminal()) {
      guest.onRoom(input::roomAvailable);
      input.start();
      paste(typed);
      assertTrue(escaped.await(30, TimeUnit.SECONDS));
      guest.setDeaf(false);
      input.roomAvailable();
      assertArrayEquals(pasted, guest.await(pasted.length), "and nothing is lost");
    }
  }

  @Test
  void readingStopsWhenAllPlacesAreTaken() throws Exception {
    guest.setDeaf(true);
    byte[] pasted = keys(3 * PIPE_BYTES);
    try (ConsoleInput input = terminal()) {
      guest.onRoom(input::roomAvailable);
      input.start();
      Thread writer = paste(pasted);
      guest.awaitAsked(PIPE_BYTES - 1000);
      assertTrue(writer.isAlive(), "the rest is held back");
      guest.setDeaf(false);
      input.roomAvailable();
      assertArrayEquals(pasted, guest.await(pasted.length));
      writer.join();
    }
  }

  @Test
  void aPipeIsReadNoFurtherThanTheGuestTakes() throws Exception {
    guest.setDeaf(true);
    try (ConsoleInput input = ConsoleInput.ofPipe("m", pipe.readEnd, guest)) {
      guest.onRoom(input::roomAvailable);
      input.start();
      paste(keys(1000)).join();
      guest.awaitAsked(256);
    }
    assertEquals(1000 - 256, pipe.read(8192).length, "is there for the next reader");
  }

  @Test
  void whatCameBeforeTheEndIsDelivered() throws Exception {
    byte[] content = keys(5000);
    Path file = Files.write(directory.resolve("file"), content);
    try (Fd fd = Fd.open(file.toString(), Libc.O_RDONLY);
        ConsoleInput input = ConsoleInput.ofPipe("m", fd, guest)) {
      guest.onRoom(input::roomAvailable);
      input.start();
      assertArrayEquals(content, guest.await(content.length));
    }
  }

  @Test
  void closingTwiceIsHarmless() throws Exception {
    ConsoleInput input = terminal();
    input.start();
    input.close();
    input.close();
    input.roomAvailable();
  }
}
