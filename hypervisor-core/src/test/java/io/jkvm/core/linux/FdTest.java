// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class FdTest {
  @TempDir Path folder;
  private Path fifo;

  @BeforeEach
  void makeFifo() throws Exception {
    fifo = folder.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
  }

  @Test
  void aFifoThatNobodyReadsIsNotWaitedForForEver() {
    LinuxException e = assertThrows(LinuxException.class, () -> Fd.create(fifo.toString()));
    assertEquals(Errno.ENXIO, e.errno());
    assertTrue(e.getMessage().startsWith("open " + fifo + " (a FIFO: start its reader first)"));
  }

  @Test
  void aFifoGetsItsReaderAndNoEndBeforeTheWriters() throws Exception {
    FutureTask<byte[]> read = new FutureTask<>(() -> Files.readAllBytes(fifo));
    new Thread(read).start();
    NativeMemory bytes = new NativeMemory(3);
    bytes.buffer().put(new byte[] {1, 2, 3});
    try (Fd fd = Fd.create(fifo.toString())) {
      assertEquals(3, FileIo.write(fd.value(), bytes.address(), 3));
    }
    assertArrayEquals(new byte[] {1, 2, 3}, read.get());
  }

  @Test
  void aFileIsEmptied() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "before");
    Fd.create(file.toString()).close();
    assertEquals(0, Files.size(file));
  }

  @Test
  void closingTellsWhatTheHostSays() throws Exception {
    try (Fd file = Fd.create(folder.resolve("file").toString())) {
      Fd twin = Fd.duplicate(file.value(), "file");
      twin.closeWritten("twin");
      twin.closeWritten("twin, again");
    }
    Fd none = new Fd(1 << 24); // more than there may be
    LinuxException e = assertThrows(LinuxException.class, () -> none.closeWritten("file"));
    assertEquals(Errno.EBADF, e.errno());
    assertTrue(e.getMessage().startsWith("close file: EBADF"), e.getMessage());
  }
}
