// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.serial.SerialSink;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class ConsoleOutputTest {
  private static final int QUEUE_BYTES = 64 << 10;

  @TempDir Path directory;
  private final BlockingQueue<LinuxException> failures = new LinkedBlockingQueue<>();

  private static int fill(ConsoleOutput output) {
    int count = 0;
    while (output.hasRoom()) {
      assertTrue(output.accept((byte) count++));
    }
    return count;
  }

  /** Fills pipe and queue, until the writer has nothing more to do. */
  private static int fillForGood(ConsoleOutput output, NamedPipe pipe) throws Exception {
    int count = fill(output);
    while (!pipe.isFull() || pipe.unreadBytes() != output.writtenBytes() || output.hasRoom()) {
      Thread.sleep(1);
      count += fill(output);
    }
    return count;
  }

  /** Before its descriptor is closed: the number is the next pipe's. */
  private static void abandon(ConsoleOutput output) throws InterruptedException {
    output.close(0);
    while (!output.hasEnded()) {
      Thread.sleep(1);
    }
  }

  @Test
  void everythingArrivesInOrderAfterClose() throws Exception {
    Path file = Files.createFile(directory.resolve("out"));
    byte[] sent = new byte[1_000_000];
    try (Fd fd = Fd.open(file.toString(), Libc.O_RDWR)) {
      ConsoleOutput output = new ConsoleOutput(fd, "the file", failures::add);
      for (int i = 0; i < sent.length; i++) {
        sent[i] = (byte) (i * 31 >> 5);
        assertTrue(output.accept(sent[i]));
      }
      assertTrue(output.close(120_000));
      assertTrue(output.close(0), "again");
      assertTrue(output.accept((byte) 1), "discarded");
    }
    assertArrayEquals(sent, Files.readAllBytes(file));
    assertTrue(failures.isEmpty());
  }

  @Test
  void bytesThatComeQuicklyShareASystemCall() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory);
        ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "the pipe", failures::add)) {
      Thread.sleep(20);
      for (int i = 0; i < 50; i++) {
        output.accept((byte) 'x');
      }
      int first = 0;
      while (first == 0) {
        first = pipe.read(8192).length;
      }
      assertTrue(first > 1, "a write for each byte");
    }
  }

  @Test
  void stuckReaderThrottlesThenLosesAndNeverHoldsLong() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "the pipe", failures::add);
      int accepted = fillForGood(output, pipe);
      assertTrue(accepted > QUEUE_BYTES, "the pipe took some");
      for (int i = 0; i < SerialSink.ROOM_BYTES - 1; i++) {
        output.accept((byte) 0);
      }
      int lost = 0;
      for (int i = 0; i < 10_000; i++) { // if each were held, it would be for a quarter of an hour
        lost += output.accept((byte) 0) ? 0 : 1;
      }
      assertTrue(lost >= 9_999, lost + " lost");

      long start = System.nanoTime();
      assertFalse(output.close(200));
      long milliseconds = (System.nanoTime() - start) / 1_000_000;
      assertTrue(milliseconds >= 150, milliseconds + " ms to close");
      abandon(output);
    }
  }

  @Test
  void listenerHearsWhenThereIsRoomAgain() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "the pipe", failures::add);
      Semaphore room = new Semaphore(0);
      output.addRoomListener(room::release);
      fillForGood(output, pipe);
      room.drainPermits();
      assertFalse(output.hasRoom());
      for (int i = 0; i < 8; i++) {
        pipe.read(8192);
      }
      assertTrue(room.tryAcquire(120, TimeUnit.SECONDS));
      assertTrue(output.hasRoom());
      abandon(output);
    }
  }

  /** A port whose VM is closed must not end the thread that the next machine prints with. */
  @Test
  void aListenerThatFailsKeepsNobodyElseFromGoingOn() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "the pipe", failures::add);
      Semaphore room = new Semaphore(0);
      Runnable gone =
          () -> {
            throw new IllegalStateException("the port's VM is closed");
          };
      output.addRoomListener(gone);
      output.addRoomListener(room::release);
      int sent = fillForGood(output, pipe);
      int read = 0;
      while (!room.tryAcquire(1, TimeUnit.MILLISECONDS)) {
        read += pipe.read(8192).length;
        assertTrue(read < sent, "all is read, and nobody was told of room");
      }
      output.removeRoomListener(gone);
      while (read < sent) {
        assertFalse(Thread.interrupted(), "the writer has ended");
        read += pipe.read(8192).length;
      }
      output.accept((byte) 'x');
      assertTrue(output.close(120_000), "the writer still writes");
      assertEquals(1, pipe.read(8192).length);
    }
  }

  /** Who is held is held each time; who was only slow for once may be tried again. */
  @Test
  void nobodyIsHeldAfterStop() throws Exception {
    while (nanosecondsAfterStop() >= 90_000_000) {
      Files.delete(directory.resolve("fifo"));
    }
  }

  private long nanosecondsAfterStop() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "the pipe", failures::add);
      fillForGood(output, pipe);
      output.stopHolding();
      for (int i = 0; i < SerialSink.ROOM_BYTES - 1; i++) {
        output.accept((byte) 0);
      }
      long start = System.nanoTime();
      output.accept((byte) 0);
      assertFalse(output.accept((byte) 0), "the queue is full");
      long end = System.nanoTime();
      abandon(output);
      return end - start;
    }
  }

  @Test
  void brokenPipeIsReportedOnceAndTheRestDiscarded() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "standard output", failures::add);
      pipe.readEnd.close();
      output.accept((byte) 'x');
      LinuxException failure = failures.poll(120, TimeUnit.SECONDS);
      assertEquals(Errno.EPIPE, failure.errno());
      assertTrue(failure.getMessage().startsWith("write to standard output: EPIPE"));
      for (int i = 0; i < 3 * QUEUE_BYTES; i++) {
        assertTrue(output.accept((byte) 'y'));
      }
      assertTrue(output.hasRoom());
      assertFalse(output.close(1000));
      assertTrue(failures.isEmpty());
    }
  }

  @Test
  void whoWaitsForRoomIsToldOfAFailureThatCanNotBeReported() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output =
          new ConsoleOutput(
              pipe.writeEnd,
              "the pipe",
              failure -> {
                throw new IllegalStateException("broken by the test");
              });
      Semaphore room = new Semaphore(0);
      output.addRoomListener(room::release);
      fillForGood(output, pipe);
      room.drainPermits();
      assertFalse(output.hasRoom());
      pipe.readEnd.close();
      assertTrue(room.tryAcquire(120, TimeUnit.SECONDS), "told");
      assertTrue(output.hasRoom());
      assertFalse(output.close(1000));
    }
  }

  @Test
  void whoWaitsForRoomIsToldOfTheEnd() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "the pipe", failures::add);
      Semaphore room = new Semaphore(0);
      output.addRoomListener(room::release);
      fillForGood(output, pipe);
      room.drainPermits();
      assertFalse(output.hasRoom());
      assertFalse(output.close(0));
      assertTrue(room.tryAcquire(120, TimeUnit.SECONDS), "told");
      assertTrue(output.hasRoom());
      abandon(output);
    }
  }

  @Test
  void fullDiskIsReported() throws Exception {
    try (Fd full = Fd.open("/dev/full", Libc.O_RDWR)) {
      ConsoleOutput output = new ConsoleOutput(full, "standard output", failures::add);
      output.accept((byte) 'x');
      assertEquals(Errno.ENOSPC, failures.poll(120, TimeUnit.SECONDS).errno());
      output.close(1000);
    }
  }

  @Test
  void closedDescriptorIsReported() throws Exception {
    Fd closed = new Fd(1_000_000);
    ConsoleOutput output = new ConsoleOutput(closed, "standard output", failures::add);
    output.accept((byte) 'x');
    assertEquals(9, failures.poll(120, TimeUnit.SECONDS).errno());
    output.close(1000);
  }

  @Test
  void slowReaderGetsEveryByteOfAGuestThatObeysLsr() throws Exception {
    int total = 400_000;
    ByteArrayOutputStream read = new ByteArrayOutputStream();
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "the pipe", failures::add);
      Thread reader =
          new Thread(
              () -> {
                try {
                  while (read.size() < total) {
                    read.write(pipe.read(3000));
                    Thread.sleep(0, 200_000);
                  }
                } catch (IOException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      reader.start();
      Semaphore room = new Semaphore(0);
      output.addRoomListener(room::release);
      for (int i = 0; i < total; i++) {
        if (!output.hasRoom()) {
          assertTrue(room.tryAcquire(120, TimeUnit.SECONDS), "room is announced");
        }
        assertTrue(output.accept((byte) (i * 7)));
      }
      assertTrue(output.close(120_000));
      reader.join();
    }
    byte[] bytes = read.toByteArray();
    assertEquals(total, bytes.length);
    for (int i = 0; i < total; i++) {
      assertEquals((byte) (i * 7), bytes[i]);
    }
  }
}
