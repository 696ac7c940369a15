// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.name;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

// An open of a FIFO without a writer would never return.
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HandleIoTest {
  private static final int[] TYPES = {
    FileMode.S_IFREG, FileMode.S_IFDIR, FileMode.S_IFIFO, FileMode.S_IFSOCK, FileMode.S_IFLNK
  };

  @TempDir Path path;
  private TestDirectory directory;
  private final HandleIo io = new HandleIo();
  private final Statx stat = new Statx();
  private final NativeMemory buffer = new NativeMemory(64);

  @BeforeEach
  void open() {
    directory = new TestDirectory(path);
  }

  @AfterEach
  void close() {
    directory.close();
  }

  private int made(int type) {
    if (type == FileMode.S_IFDIR) {
      directory.makeDirectory("x");
    } else if (type == FileMode.S_IFLNK) {
      directory.link("target", "x");
    } else {
      directory.make("x", type | 0600);
    }
    return directory.handle("x");
  }

  private Statx stat(int fd) {
    ok(stat.read(fd, 0, Statx.STATX_BASIC_STATS));
    return stat;
  }

  @ParameterizedTest
  @ValueSource(ints = {FileMode.S_IFIFO, FileMode.S_IFSOCK, FileMode.S_IFLNK})
  void onlyFilesAndDirectoriesAreOpened(int type) {
    directory.make("target", FileMode.S_IFREG | 0600);
    int handle = made(type);
    int expected = type == FileMode.S_IFLNK ? Errno.ELOOP : Errno.ENXIO;
    for (int flags : new int[] {OpenHow.O_RDONLY, OpenHow.O_WRONLY, OpenHow.O_RDWR}) {
      assertErrno(expected, io.reopen(handle, flags));
      assertErrno(expected, io.reopen(handle, flags | OpenHow.O_CREAT | OpenHow.O_TRUNC));
    }
  }

  @Test
  void noDeviceIsOpened() {
    try (TestDirectory dev = new TestDirectory(Path.of("/dev"))) {
      assertErrno(Errno.ENXIO, io.reopen(dev.handle("null"), OpenHow.O_RDONLY));
    }
  }

  @Test
  void aFileIsOpenedAnewWithAnOffsetOfItsOwn() {
    int created = directory.create("x");
    int handle = directory.handle("x");
    int first = directory.opened(io.reopen(handle, OpenHow.O_RDWR | OpenHow.O_APPEND));
    int second = directory.opened(io.reopen(first, OpenHow.O_RDONLY | OpenHow.O_NOFOLLOW));
    int duplicate = directory.opened(HandleIo.dup(created));
    assertEquals(5, FileDataIo.pwrite(first, buffer.address(), 5, 0));
    assertEquals(3, FileDataIo.seek(created, 3, FileDataIo.SEEK_SET));
    assertEquals(3, FileDataIo.seek(duplicate, 0, FileDataIo.SEEK_CUR));
    assertEquals(0, FileDataIo.seek(second, 0, FileDataIo.SEEK_CUR));
    int flags = HandleIo.statusFlags(first);
    assertEquals(OpenHow.O_RDWR, flags & OpenHow.O_ACCMODE);
    assertNotEquals(0, flags & OpenHow.O_APPEND);
    ok(HandleIo.setStatusFlags(first, flags & ~OpenHow.O_APPEND));
    assertEquals(0, HandleIo.statusFlags(first) & OpenHow.O_APPEND);
    assertErrno(Errno.EBADF, FileDataIo.pwrite(second, buffer.address(), 1, 0));
    assertErrno(Errno.EBADF, FileDataIo.pread(handle, buffer.address(), 1, 0));
    assertNotEquals(0, HandleIo.statusFlags(handle) & OpenHow.O_PATH);
    ok(HandleIo.close(directory.opened(io.reopen(handle, OpenHow.O_RDWR | OpenHow.O_TRUNC))));
    assertEquals(0, stat(handle).size());
  }

  @Test
  void permissionsOfAllTypesButLinks() {
    for (int type : TYPES) {
      int handle = made(type);
      if (type == FileMode.S_IFLNK) {
        int result = io.chmod(handle, 0600);
        // Before 6.6 it depended on the file system.
        assertTrue(result == 0 || result == -Errno.EOPNOTSUPP, "errno " + -result);
      } else {
        ok(io.chmod(handle, 07751));
        assertEquals(type | 07751, stat(handle).mode());
        ok(io.chmod(handle, 0));
        assertEquals(type, stat(handle).mode());
      }
      ok(
          DirectoryIo.unlinkat(
              directory.fd(), name("x"), type == FileMode.S_IFDIR ? DirectoryIo.AT_REMOVEDIR : 0));
    }
    ok(HandleIo.fchmod(directory.create("open"), 0404));
    assertEquals(FileMode.S_IFREG | 0404, directory.stat("open").mode());
    assertErrno(Errno.EBADF, HandleIo.fchmod(directory.handle("open"), 0600));
  }

  @Test
  void ownersOfAllTypes() {
    TestDirectory.assumeRoot();
    directory.make("target", FileMode.S_IFREG | 0600);
    for (int type : TYPES) {
      int handle = made(type);
      ok(HandleIo.chown(handle, 1000, -1));
      ok(HandleIo.chown(handle, -1, 0x7ffffffe));
      assertEquals(1000, stat(handle).uid());
      assertEquals(0x7ffffffe, stat(handle).gid());
      ok(
          DirectoryIo.unlinkat(
              directory.fd(), name("x"), type == FileMode.S_IFDIR ? DirectoryIo.AT_REMOVEDIR : 0));
    }
    assertEquals(0, directory.stat("target").uid(), "a link is not followed");
  }

  @Test
  void timesOfAllTypes() {
    directory.make("target", FileMode.S_IFREG | 0600);
    long before = directory.stat("target").modificationSeconds();
    FileTimes times = new FileTimes();
    for (int type : TYPES) {
      int handle = made(type);
      times.clear();
      ok(times.setAccess(1, 2));
      ok(times.setModification(3, 4));
      ok(io.utimens(handle, times));
      assertEquals(1, stat(handle).accessSeconds());
      assertEquals(2, stat.accessNanoseconds());
      assertEquals(3, stat.modificationSeconds());
      assertEquals(4, stat.modificationNanoseconds());
      times.clear();
      ok(io.utimens(handle, times));
      assertEquals(1, stat(handle).accessSeconds(), "left as it is");
      times.setModificationNow();
      ok(io.utimens(handle, times));
      assertEquals(1, stat(handle).accessSeconds());
      assertTrue(stat.modificationSeconds() >= before);
      times.clear();
      times.setAccessNow();
      ok(times.setModification(5, 0));
      ok(io.utimens(handle, times));
      assertTrue(stat(handle).accessSeconds() >= before);
      assertEquals(5, stat.modificationSeconds());
      ok(
          DirectoryIo.unlinkat(
              directory.fd(), name("x"), type == FileMode.S_IFDIR ? DirectoryIo.AT_REMOVEDIR : 0));
    }
    assertEquals(before, directory.stat("target").modificationSeconds());
  }

  @Test
  void nanosecondsThatMeanOtherThingsAreRefused() {
    FileTimes times = new FileTimes();
    ok(times.setModification(7, 8));
    for (long bad : new long[] {-1, 1_000_000_000, (1 << 30) - 1, (1 << 30) - 2, Long.MIN_VALUE}) {
      assertErrno(Errno.EINVAL, times.setAccess(0, bad));
      assertErrno(Errno.EINVAL, times.setModification(0, bad));
    }
    int handle = made(FileMode.S_IFREG);
    ok(io.utimens(handle, times));
    assertEquals(7, stat(handle).modificationSeconds());
  }

  @Test
  void sizesByHandle() {
    int handle = made(FileMode.S_IFREG);
    ok(io.truncate(handle, 12345));
    assertEquals(12345, stat(handle).size());
    ok(io.truncate(handle, 0));
    assertErrno(Errno.EINVAL, io.truncate(handle, -1));
    assertEquals(0, stat(handle).size());
    directory.make("fifo", FileMode.S_IFIFO | 0600);
    assertErrno(Errno.EINVAL, io.truncate(directory.handle("fifo"), 0));
    assertErrno(Errno.EISDIR, io.truncate(directory.fd(), 0));
  }

  @Test
  void moreNamesByHandleOfAllTypesButDirectories() {
    for (int type : TYPES) {
      int handle = made(type);
      int result = io.link(handle, directory.fd(), name("y"));
      if (type == FileMode.S_IFDIR) {
        assertErrno(Errno.EPERM, result);
        ok(DirectoryIo.unlinkat(directory.fd(), name("x"), DirectoryIo.AT_REMOVEDIR));
        continue;
      }
      ok(result);
      assertEquals(type, directory.stat("y").mode() & FileMode.S_IFMT);
      assertEquals(stat(handle).inode(), directory.stat("y").inode());
      assertEquals(2, stat.links());
      assertErrno(Errno.EEXIST, io.link(handle, directory.fd(), name("y")));
      ok(DirectoryIo.unlinkat(directory.fd(), name("x"), 0));
      ok(DirectoryIo.unlinkat(directory.fd(), name("y"), 0));
      assertErrno(Errno.ENOENT, io.link(handle, directory.fd(), name("z")));
    }
  }

  @Test
  void targetsByHandle() {
    int handle = made(FileMode.S_IFLNK);
    assertEquals(6, HandleIo.readlink(handle, buffer.address(), 64));
    assertEquals("target", TestDirectory.text(buffer.buffer(), 0, 6));
    assertEquals(3, HandleIo.readlink(handle, buffer.address(), 3));
    directory.make("file", FileMode.S_IFREG | 0600);
    assertErrno(Errno.ENOENT, HandleIo.readlink(directory.handle("file"), buffer.address(), 64));
  }

  @Test
  void aFileWithoutANameIsStillOne() {
    int open = directory.create("x");
    int handle = directory.handle("x");
    directory.make("other", FileMode.S_IFREG | 0600);
    ok(DirectoryIo.renameat2(directory.fd(), name("other"), directory.fd(), name("x"), 0));
    for (int fd : new int[] {handle, open}) {
      assertEquals(0, stat(fd).links());
      ok(io.chmod(fd, 0640));
      assertEquals(FileMode.S_IFREG | 0640, stat(fd).mode());
      ok(HandleIo.chown(fd, -1, -1));
      ok(io.truncate(fd, 77));
      assertEquals(77, stat(fd).size());
      FileTimes times = new FileTimes();
      ok(times.setModification(1, 1));
      ok(io.utimens(fd, times));
      assertEquals(1, stat(fd).modificationSeconds());
      int again = directory.opened(io.reopen(fd, OpenHow.O_RDWR));
      assertEquals(1, FileDataIo.pwrite(again, buffer.address(), 1, 100));
      assertEquals(101, stat(fd).size());
    }
    assertEquals(0, directory.stat("x").size(), "the one that took its name");
  }

  @Test
  void aFileThatNeverHadANameGetsOne() {
    NativeName itself = TestDirectory.path(".");
    OpenHow how = new OpenHow(OpenHow.O_TMPFILE | OpenHow.O_RDWR, 0600, 0);
    int result = how.open(directory.fd(), itself);
    assumeTrue(result != -Errno.EOPNOTSUPP, "not in this file system");
    int file = directory.opened(result);
    assertEquals(0, stat(file).links());
    ok(io.link(file, directory.fd(), name("x")));
    assertEquals(stat(file).inode(), directory.stat("x").inode());
    how.set(OpenHow.O_TMPFILE | OpenHow.O_RDWR | OpenHow.O_EXCL, 0600, 0);
    int neverNamed = directory.opened(how.open(directory.fd(), itself));
    assertErrno(Errno.ENOENT, io.link(neverNamed, directory.fd(), name("y")));
  }

  @Test
  void flagsOfInodes() {
    long flags = io.inodeFlags(directory.create("x"));
    assumeTrue(flags != -Errno.ENOTTY, "not in this file system");
    assertTrue(flags >= 0, "errno " + -flags);
    int readable = directory.opened(io.reopen(directory.fd(), OpenHow.O_RDONLY));
    assertTrue(io.inodeFlags(readable) >= 0);
    assertErrno(Errno.EBADF, io.inodeFlags(directory.fd()));
  }

  @Test
  void noDescriptorIsNobodysDescriptor() {
    assertErrno(Errno.EBADF, io.reopen(-1, OpenHow.O_RDONLY));
    assertErrno(Errno.ENOENT, io.chmod(-1, 0));
    assertErrno(Errno.ENOENT, io.truncate(-1, 0));
    assertErrno(Errno.ENOENT, io.link(-1, directory.fd(), name("y")));
    assertErrno(Errno.EBADF, HandleIo.chown(-1, 0, 0));
    assertErrno(Errno.EBADF, HandleIo.close(-1));
    assertErrno(Errno.EBADF, HandleIo.dup(-1));
    int closed = ok(HandleIo.dup(directory.fd()));
    ok(HandleIo.close(closed));
    FileTimes times = new FileTimes();
    times.setAccessNow();
    assertErrno(Errno.ENOENT, io.utimens(-1, times));
  }
}
