// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileIoTest {
  @TempDir Path directory;
  private Path file;
  private final NativeMemory buffer = new NativeMemory(64);

  @BeforeEach
  void create() throws Exception {
    file = Files.write(directory.resolve("file"), new byte[] {1, 2, 3, 4});
  }

  private Fd open(int flags) throws LinuxException {
    return Fd.open(file.toString(), flags);
  }

  @Test
  void transfersAtOffsetsAndSaysWhereItEnds() throws Exception {
    try (Fd fd = open(Fd.READ_WRITE)) {
      IoVector ranges = new IoVector(2);
      ranges.add(buffer.address(), 2);
      ranges.add(buffer.address() + 8, 2);
      assertEquals(3, FileIo.preadv(fd, ranges, 1));
      assertEquals(2, buffer.buffer().get(0));
      assertEquals(4, buffer.buffer().get(8));
      assertEquals(0, FileIo.preadv(fd, ranges, 4));
      assertEquals(1, FileIo.pread(fd, buffer.address() + 16, 8, 3));
      assertEquals(4, buffer.buffer().get(16));
      assertEquals(4, FileIo.pwritev(fd, ranges, 2));
      assertEquals(1, FileIo.pwrite(fd, buffer.address(), 1, 0));
      assertEquals(0, FileIo.fdatasync(fd));
      assertArrayEquals(new byte[] {2, 2, 2, 3, 4, 0}, Files.readAllBytes(file));
      FileIo.truncate(fd, 1);
      assertEquals(1, Files.size(file));
      assertEquals(1, FileIo.read(fd.value(), buffer.address(), 8));
      assertEquals(1, FileIo.write(fd.value(), buffer.address(), 1));
    }
  }

  /** Of the open file, whatever its name leads to. */
  @Test
  void theSizeIsThatOfTheOpenFile() throws Exception {
    try (Fd fd = open(Fd.READ_WRITE)) {
      assertEquals(4, FileIo.size(fd));
      FileIo.truncate(fd, (1L << 40) + 1);
      assertEquals((1L << 40) + 1, FileIo.size(fd));
      FileIo.truncate(fd, 3);
      Files.delete(file);
      create();
      assertEquals(3, FileIo.size(fd));
    }
    try (Fd terminal = Fd.open("/dev/ptmx", Fd.READ_WRITE)) {
      int noLength = 29; // ESPIPE
      assertEquals(-noLength, FileIo.size(terminal));
    }
  }

  @Test
  void failuresAreErrorNumbers() throws Exception {
    try (Fd fd = open(Fd.READ_ONLY)) {
      int badFd = 9; // EBADF: not open for writing
      assertEquals(-Errno.EINVAL, FileIo.pread(fd, buffer.address(), 1, -1));
      assertEquals(-badFd, FileIo.pwrite(fd, buffer.address(), 1, 0));
      assertEquals(-badFd, FileIo.punchHole(fd, 0, 1));
      assertEquals(-badFd, FileIo.zeroRange(fd, 0, 1));
      LinuxException e = assertThrows(LinuxException.class, () -> FileIo.truncate(fd, 0));
      assertEquals(Errno.EINVAL, e.errno());
      assertThrows(LinuxException.class, () -> FileIo.blockDeviceBytes(fd));
      assertThrows(LinuxException.class, () -> FileIo.logicalBlockBytes(fd));
    }
  }

  @Test
  void locksExcludeEachOtherInOneProcessToo() throws Exception {
    Fd writer = open(Fd.READ_WRITE);
    try (Fd other = open(Fd.READ_WRITE);
        Fd reader = open(Fd.READ_ONLY)) {
      assertTrue(FileIo.tryLock(writer, true));
      assertTrue(FileIo.tryLock(writer, true), "one's own");
      assertFalse(FileIo.tryLock(other, true));
      assertFalse(FileIo.tryLock(reader, false));
      writer.close();
      assertTrue(FileIo.tryLock(reader, false));
      assertTrue(FileIo.tryLock(other, false));
      assertFalse(FileIo.tryLock(other, true));
    }
  }

  @Test
  void randomNumbersDiffer() throws Exception {
    assertNotEquals(RandomBytes.nextLong(), RandomBytes.nextLong());
    assertThrows(LinuxException.class, () -> RandomBytes.fill(1, 8));
  }

  @Test
  void aFileIsNoTerminal() throws Exception {
    try (Fd fd = open(Fd.READ_ONLY)) {
      assertFalse(Terminal.isTerminal(fd.value()));
      assertTrue(Terminal.of(fd.value()).isEmpty());
    }
  }
}
