// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Errno;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

// Nothing here may wait.
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FileLockTest {
  @TempDir Path path;
  private TestDirectory directory;
  private int first;
  private int second;
  private final FileLock lock = new FileLock();

  @BeforeEach
  void open() {
    directory = new TestDirectory(path);
    first = directory.create("file");
    second = directory.open("file", OpenHow.O_RDWR);
  }

  @AfterEach
  void close() {
    directory.close();
  }

  private int tryLock(int fd, int type, long start, long length) {
    lock.set(type, start, length);
    return lock.tryLock(fd);
  }

  private FileLock test(int fd, int type, long start, long length) {
    lock.set(type, start, length);
    ok(lock.test(fd));
    return lock;
  }

  @Test
  void rangesExcludeEachOther() {
    ok(tryLock(first, FileLock.F_WRLCK, 10, 10));
    assertErrno(Errno.EAGAIN, tryLock(second, FileLock.F_RDLCK, 19, 1));
    ok(tryLock(second, FileLock.F_RDLCK, 20, 1));
    ok(tryLock(second, FileLock.F_WRLCK, 0, 10));
    assertErrno(Errno.EAGAIN, tryLock(second, FileLock.F_RDLCK, 0, 0));
    ok(tryLock(first, FileLock.F_UNLCK, 10, 5));
    ok(tryLock(second, FileLock.F_WRLCK, 10, 5));
    assertErrno(Errno.EAGAIN, tryLock(second, FileLock.F_WRLCK, 15, 1));
  }

  @Test
  void whoAsksIsToldOfTheLock() {
    assertEquals(FileLock.F_UNLCK, test(second, FileLock.F_WRLCK, 0, 0).type());
    ok(tryLock(first, FileLock.F_RDLCK, 1L << 40, 0));
    assertEquals(FileLock.F_UNLCK, test(second, FileLock.F_RDLCK, 0, 0).type());
    FileLock found = test(second, FileLock.F_WRLCK, 5, 0);
    assertEquals(FileLock.F_RDLCK, found.type());
    assertEquals(1L << 40, found.start());
    assertEquals(0, found.length());
    assertEquals(-1, found.pid());
    assertEquals(FileLock.F_UNLCK, test(first, FileLock.F_WRLCK, 0, 0).type(), "its own");
    // A second question does not carry the answer of the first.
    assertEquals(FileLock.F_RDLCK, test(second, FileLock.F_WRLCK, 1L << 41, 1).type());
  }

  @Test
  void theyEndWithTheOpenFile() {
    int shared = directory.opened(HandleIo.dup(first));
    ok(tryLock(first, FileLock.F_WRLCK, 0, 0));
    int third = ok(new HandleIo().reopen(first, OpenHow.O_RDWR));
    assertErrno(Errno.EAGAIN, tryLock(third, FileLock.F_WRLCK, 0, 0));
    HandleIo.close(third);
    ok(tryLock(shared, FileLock.F_WRLCK, 0, 0));
    assertErrno(Errno.EAGAIN, tryLock(second, FileLock.F_WRLCK, 0, 0));
    ok(tryLock(shared, FileLock.F_UNLCK, 0, 0));
    ok(tryLock(second, FileLock.F_WRLCK, 0, 0));
  }

  @Test
  void wholeFilesAreLockedApart() {
    ok(FileLock.flock(first, FileLock.LOCK_SH));
    ok(FileLock.flock(second, FileLock.LOCK_SH));
    assertErrno(Errno.EAGAIN, FileLock.flock(second, FileLock.LOCK_EX));
    ok(FileLock.flock(first, FileLock.LOCK_UN));
    ok(FileLock.flock(second, FileLock.LOCK_EX));
    assertErrno(Errno.EAGAIN, FileLock.flock(first, FileLock.LOCK_SH));
    ok(tryLock(first, FileLock.F_WRLCK, 0, 0));
    assertErrno(Errno.EINVAL, FileLock.flock(first, 0));
  }

  @Test
  void whatIsNoLockIsRefused() {
    assertErrno(Errno.EINVAL, tryLock(first, 99, 0, 1));
    assertErrno(Errno.EINVAL, tryLock(first, FileLock.F_WRLCK, -1, 1));
    int readable = directory.open("file", OpenHow.O_RDONLY);
    assertErrno(Errno.EBADF, tryLock(readable, FileLock.F_WRLCK, 0, 1));
    int handle = directory.handle("file");
    assertErrno(Errno.EBADF, tryLock(handle, FileLock.F_RDLCK, 0, 1));
    assertErrno(Errno.EBADF, FileLock.flock(handle, FileLock.LOCK_SH));
  }
}
