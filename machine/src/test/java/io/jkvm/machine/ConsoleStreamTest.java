// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.serial.SerialSink;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class ConsoleStreamTest {
  @TempDir Path folder;

  /** Whoever waits for the guest has to know that the guest waits for him. */
  @Test
  void isFullUntilItsReaderReads() throws Exception {
    Path fifo = folder.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    try (RandomAccessFile reader = new RandomAccessFile(fifo.toFile(), "rw");
        ConsoleStream stream = ConsoleStream.file(fifo, e -> {})) {
      SerialSink sink = stream.sink();
      Semaphore room = new Semaphore(0);
      sink.addRoomListener(room::release);
      assertFalse(stream.isFull());
      int sent = 0;
      while (sink.hasRoom()) {
        assertTrue(sink.accept((byte) sent++));
      }
      assertTrue(stream.isFull());
      byte[] all = new byte[sent];
      reader.readFully(all);
      room.acquire();
      assertFalse(stream.isFull());
      assertTrue(stream.close(Duration.ofMinutes(1)));
    }
  }
}
