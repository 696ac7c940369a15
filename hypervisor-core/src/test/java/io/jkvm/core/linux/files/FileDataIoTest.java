// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileDataIoTest {
  private static final long MIB = 1 << 20;

  @TempDir Path path;
  private TestDirectory directory;
  private int fd;
  private final NativeMemory buffer = new NativeMemory(1 << 16);

  @BeforeEach
  void open() {
    directory = new TestDirectory(path);
    fd = directory.create("file");
  }

  @AfterEach
  void close() {
    directory.close();
  }

  private void write(String text, long offset) {
    NativeMemory bytes = TestDirectory.memory(text);
    assertEquals(text.length(), FileDataIo.pwrite(fd, bytes.address(), text.length(), offset));
  }

  private String read(int file, int count, long offset) {
    int length = (int) ok(FileDataIo.pread(file, buffer.address(), count, offset));
    return TestDirectory.text(buffer.buffer(), 0, length);
  }

  private long size() {
    return directory.stat("file").size();
  }

  @Test
  void bytesAtOffsets() {
    write("hello", 3);
    assertEquals("\0\0\0hello", read(fd, 100, 0));
    assertEquals("ell", read(fd, 3, 4));
    assertEquals("", read(fd, 3, 8));
    write("far", 5L << 32);
    assertEquals("far", read(fd, 10, 5L << 32));
    assertErrno(Errno.EINVAL, FileDataIo.pread(fd, buffer.address(), 1, -1));
    assertErrno(Errno.EINVAL, FileDataIo.pwrite(fd, buffer.address(), 1, -1));
    assertErrno(Errno.EFBIG, FileDataIo.pwrite(fd, buffer.address(), 1, Long.MAX_VALUE - 1));
    assertErrno(Errno.EFAULT, FileDataIo.pread(fd, 8, 1, 3));
  }

  @Test
  void rangesAtOffsetsWithFlags() {
    buffer.buffer().put(0, "abcdef".getBytes(StandardCharsets.US_ASCII));
    IoVector ranges = new IoVector(2);
    ranges.add(buffer.address() + 4, 2);
    ranges.add(buffer.address(), 3);
    assertEquals(5, FileDataIo.pwritev(fd, ranges, 1, 0));
    assertEquals("\0efabc", read(fd, 100, 0));
    buffer.buffer().put(0, "abcdef".getBytes(StandardCharsets.US_ASCII));
    assertEquals(5, FileDataIo.pwritev(fd, ranges, 0, FileDataIo.RWF_APPEND));
    assertEquals("\0efabcefabc", read(fd, 100, 0));
    assertEquals(5, FileDataIo.pwritev(fd, ranges, 5L << 32, FileDataIo.RWF_DSYNC));
    assertEquals(4, FileDataIo.preadv(fd, ranges, (5L << 32) + 1, 0));
    assertEquals(5, FileDataIo.preadv(fd, ranges, 0, 0));
    assertEquals(0, buffer.buffer().get(4));
    assertEquals("fab", TestDirectory.text(buffer.buffer(), 0, 3).replace("e", ""), "ef|abc");
    FileDataIo.seek(fd, 3, FileDataIo.SEEK_SET);
    assertErrno(Errno.EINVAL, FileDataIo.preadv(fd, ranges, -1, 0));
    assertErrno(Errno.EINVAL, FileDataIo.pwritev(fd, ranges, -1, 0));
    assertErrno(Errno.EOPNOTSUPP, FileDataIo.preadv(fd, ranges, 0, 1 << 30));
    assertEquals(3, FileDataIo.seek(fd, 0, FileDataIo.SEEK_CUR), "not moved by any of them");
  }

  @Test
  void holesAreFoundMadeAndKept() {
    ok(FileDataIo.truncate(fd, 8 * MIB));
    write("data", MIB);
    long blocks = directory.stat("file").blocks();
    assertTrue(blocks * 512 < MIB, "sparse: " + blocks);
    long data = FileDataIo.seek(fd, 0, FileDataIo.SEEK_DATA);
    assumeTrue(data != 0, "this file system knows no holes");
    assertEquals(MIB, data);
    long hole = FileDataIo.seek(fd, MIB, FileDataIo.SEEK_HOLE);
    assertTrue(hole > MIB && hole <= 2 * MIB, "hole at " + hole);
    assertErrno(Errno.ENXIO, FileDataIo.seek(fd, hole, FileDataIo.SEEK_DATA));
    assertErrno(Errno.ENXIO, FileDataIo.seek(fd, 8 * MIB, FileDataIo.SEEK_HOLE));
    int punch = FileDataIo.FALLOC_FL_PUNCH_HOLE | FileDataIo.FALLOC_FL_KEEP_SIZE;
    ok(FileDataIo.fallocate(fd, punch, 0, 8 * MIB));
    assertErrno(Errno.ENXIO, FileDataIo.seek(fd, 0, FileDataIo.SEEK_DATA));
    assertEquals("\0\0\0\0", read(fd, 4, MIB));
    assertEquals(8 * MIB, size());
  }

  @Test
  void allocationNeverShrinks() {
    ok(FileDataIo.fallocate(fd, 0, 0, 100_000));
    assertEquals(100_000, size());
    assertTrue(directory.stat("file").blocks() * 512 >= 100_000);
    ok(FileDataIo.fallocate(fd, 0, 0, 512));
    assertEquals(100_000, size());
    ok(FileDataIo.fallocate(fd, FileDataIo.FALLOC_FL_KEEP_SIZE, 0, 200_000));
    assertEquals(100_000, size());
    assertErrno(Errno.EINVAL, FileDataIo.fallocate(fd, 0, -1, 1));
    assertErrno(Errno.EINVAL, FileDataIo.fallocate(fd, 0, 0, 0));
    assertErrno(Errno.EOPNOTSUPP, FileDataIo.fallocate(fd, 1 << 30, 0, 1));
    assertErrno(Errno.EOPNOTSUPP, FileDataIo.fallocate(fd, FileDataIo.FALLOC_FL_PUNCH_HOLE, 0, 1));
  }

  @Test
  void copiesBetweenFilesAndTellsHowMuch() {
    NativeMemory offsets = new NativeMemory(16);
    int other = directory.create("other");
    write("0123456789", 0);
    assertEquals(4, FileDataIo.copyFileRange(fd, 2, other, 1, 4, offsets));
    assertEquals("\u00002345", read(other, 100, 0));
    assertEquals(3, FileDataIo.copyFileRange(fd, 7, other, 0, 0x100001000L, offsets));
    assertEquals("78945", read(other, 100, 0));
    assertEquals(0, FileDataIo.copyFileRange(fd, 10, other, 0, 10, offsets));
    assertErrno(Errno.EINVAL, FileDataIo.copyFileRange(fd, 0, fd, 1, 5, offsets));
    assertEquals(5, FileDataIo.copyFileRange(fd, 0, fd, 20, 5, offsets));
    int readOnly = directory.open("other", OpenHow.O_RDONLY);
    assertErrno(Errno.EBADF, FileDataIo.copyFileRange(fd, 0, readOnly, 0, 1, offsets));
  }

  @Test
  void reachesTheDisk() {
    write("x", 0);
    ok(FileDataIo.fsync(fd));
    ok(FileDataIo.fdatasync(fd));
    int readable = directory.open("file", OpenHow.O_RDONLY);
    ok(FileDataIo.fsync(readable));
    ok(FileDataIo.fsync(directory.opened(new HandleIo().reopen(directory.fd(), 0))));
    try (TestDirectory memory = new TestDirectory(Path.of("/dev"))) {
      // In a file system that has no disk: this one may have much to write, of others.
      ok(FileDataIo.syncfs(memory.opened(new HandleIo().reopen(memory.fd(), 0))));
    }
    for (int bad : new int[] {-1, directory.handle("file")}) {
      assertErrno(Errno.EBADF, FileDataIo.fsync(bad));
      assertErrno(Errno.EBADF, FileDataIo.fdatasync(bad));
      assertErrno(Errno.EBADF, FileDataIo.syncfs(bad));
    }
  }

  @Test
  void sizesOfFilesThatMayBeWritten() {
    ok(FileDataIo.truncate(fd, 5L << 30));
    assertEquals(5L << 30, size());
    assertErrno(Errno.EINVAL, FileDataIo.truncate(fd, -1));
    int readable = directory.open("file", OpenHow.O_RDONLY);
    assertErrno(Errno.EINVAL, FileDataIo.truncate(readable, 0));
    assertEquals(5L << 30, size());
  }
}
