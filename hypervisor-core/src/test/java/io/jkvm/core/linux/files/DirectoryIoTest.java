// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.memory;
import static io.jkvm.core.linux.files.TestDirectory.name;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static io.jkvm.core.linux.files.TestDirectory.path;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirectoryIoTest {
  @TempDir Path path;
  private TestDirectory directory;
  private int fd;

  @BeforeEach
  void open() {
    directory = new TestDirectory(path);
    fd = directory.fd();
  }

  @AfterEach
  void close() {
    directory.close();
  }

  private int stat(String name) {
    return new Statx().readEntry(fd, name(name), 0, Statx.STATX_TYPE);
  }

  private int rename(String from, String to, int flags) {
    return DirectoryIo.renameat2(fd, name(from), fd, name(to), flags);
  }

  private int unlink(String name, int flags) {
    return DirectoryIo.unlinkat(fd, name(name), flags);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\u00ff", "a\u00ff\u00feb", "n\nl", " ", "-rf", "\u0001\u007f", "255"})
  void everyCallTakesAnyBytes(String given) {
    String odd = given.equals("255") ? "\u00e4".repeat(255) : given;
    ok(DirectoryIo.mkdirat(fd, name(odd), 0700));
    ok(rename(odd, "d", 0));
    directory.make(odd, FileMode.S_IFIFO | 0600);
    assertTrue(FileMode.isFifo(directory.stat(odd).mode()));
    ok(rename(odd, "fifo", 0));
    ok(rename("fifo", odd, 0));
    ok(DirectoryIo.linkat(fd, name(odd), directory.handle("d"), name(odd), 0));
    ok(unlink(odd, 0));
    directory.link(odd + "/\u00ff", odd);
    NativeMemory target = new NativeMemory(4096);
    int length = ok(DirectoryIo.readlinkat(fd, name(odd), target.address(), 4096));
    assertEquals(odd + "/\u00ff", TestDirectory.text(target.buffer(), 0, length));
    int inside = directory.handle("d");
    Statx stat = new Statx();
    ok(stat.readEntry(inside, name(odd), 0, Statx.STATX_TYPE));
    assertTrue(FileMode.isFifo(stat.mode()));
  }

  @Test
  void targetsOfAnyLengthTheKernelTakes() {
    String longest = "t".repeat(4095);
    directory.link(longest, "l");
    NativeMemory target = new NativeMemory(4096);
    assertEquals(4095, DirectoryIo.readlinkat(fd, name("l"), target.address(), 4096));
    assertEquals(longest, TestDirectory.text(target.buffer(), 0, 4095));
    target.buffer().put(10, (byte) '!');
    assertEquals(10, DirectoryIo.readlinkat(fd, name("l"), target.address(), 10), "cut");
    assertEquals('!', target.buffer().get(10), "and nothing behind it");
    assertErrno(Errno.ENOENT, DirectoryIo.symlinkat(path(""), fd, name("empty")));
    assertErrno(Errno.EEXIST, DirectoryIo.symlinkat(path("x"), fd, name("l")));
    directory.make("file", FileMode.S_IFREG | 0600);
    assertErrno(Errno.EINVAL, DirectoryIo.readlinkat(fd, name("file"), target.address(), 10));
    assertErrno(Errno.EINVAL, DirectoryIo.readlinkat(fd, name("l"), target.address(), -1));
  }

  @Test
  void renamesThatReplaceExchangeOrRefuse() {
    directory.make("a", FileMode.S_IFREG | 0600);
    directory.make("b", FileMode.S_IFIFO | 0600);
    assertErrno(Errno.EEXIST, rename("a", "b", DirectoryIo.RENAME_NOREPLACE));
    ok(rename("a", "b", DirectoryIo.RENAME_EXCHANGE));
    assertTrue(FileMode.isFifo(directory.stat("a").mode()));
    assertTrue(FileMode.isRegular(directory.stat("b").mode()));
    ok(rename("a", "b", 0));
    assertTrue(FileMode.isFifo(directory.stat("b").mode()));
    assertErrno(Errno.ENOENT, stat("a"));
    ok(rename("b", "c", DirectoryIo.RENAME_NOREPLACE));
    assertErrno(Errno.ENOENT, rename("c", "gone", DirectoryIo.RENAME_EXCHANGE));
    assertErrno(
        Errno.EINVAL, rename("c", "d", DirectoryIo.RENAME_EXCHANGE | DirectoryIo.RENAME_NOREPLACE));
    assertErrno(Errno.EINVAL, rename("c", "d", 1 << 30));
    directory.makeDirectory("dir");
    assertErrno(Errno.EISDIR, rename("c", "dir", 0));
    int inside = directory.handle("dir");
    assertErrno(Errno.EINVAL, DirectoryIo.renameat2(fd, name("dir"), inside, name("x"), 0));
  }

  @Test
  void aWhiteoutIsLeft() {
    TestDirectory.assumeRoot();
    directory.make("a", FileMode.S_IFREG | 0600);
    int result = rename("a", "b", DirectoryIo.RENAME_WHITEOUT);
    assumeTrue(result != -Errno.EINVAL && result != -Errno.EPERM, "not in this file system");
    ok(result);
    Statx left = directory.stat("a");
    assertTrue(FileMode.isDevice(left.mode()));
    assertEquals(0, left.rdevMajor() | left.rdevMinor());
  }

  @Test
  void directoriesAndOthersAreRemovedApart() {
    directory.makeDirectory("d");
    directory.make("f", FileMode.S_IFREG | 0600);
    assertErrno(Errno.EEXIST, DirectoryIo.mkdirat(fd, name("f"), 0700));
    assertErrno(Errno.EISDIR, unlink("d", 0));
    assertErrno(Errno.ENOTDIR, unlink("f", DirectoryIo.AT_REMOVEDIR));
    ok(DirectoryIo.mkdirat(directory.handle("d"), name("inner"), 0700));
    assertErrno(Errno.ENOTEMPTY, unlink("d", DirectoryIo.AT_REMOVEDIR));
    ok(DirectoryIo.unlinkat(directory.handle("d"), name("inner"), DirectoryIo.AT_REMOVEDIR));
    ok(unlink("d", DirectoryIo.AT_REMOVEDIR));
    ok(unlink("f", 0));
    assertErrno(Errno.ENOENT, unlink("f", 0));
  }

  @Test
  void aLinkIsRemovedAndRenamedItself() {
    directory.makeDirectory("d");
    directory.link("d", "l");
    assertErrno(Errno.ENOTDIR, unlink("l", DirectoryIo.AT_REMOVEDIR));
    ok(rename("l", "m", 0));
    assertTrue(FileMode.isSymbolicLink(directory.stat("m").mode()));
    ok(DirectoryIo.linkat(fd, name("m"), fd, name("hard"), 0));
    assertEquals(directory.stat("m").inode(), directory.stat("hard").inode());
    ok(unlink("m", 0));
    ok(stat("d"));
  }

  /** What a refused name leaves is nothing that a call would act on. */
  @Test
  void theEmptyNameDoesNothing() {
    NativeName empty = new NativeName(NativeName.NAME_MAX);
    assertErrno(Errno.ENOENT, DirectoryIo.mkdirat(fd, empty, 0700));
    assertErrno(Errno.ENOENT, DirectoryIo.mknodat(fd, empty, FileMode.S_IFIFO | 0600, 0));
    assertErrno(Errno.ENOENT, DirectoryIo.symlinkat(path("x"), fd, empty));
    assertErrno(Errno.ENOENT, DirectoryIo.unlinkat(fd, empty, 0));
    assertErrno(Errno.ENOENT, DirectoryIo.unlinkat(fd, empty, DirectoryIo.AT_REMOVEDIR));
    assertErrno(Errno.ENOENT, DirectoryIo.renameat2(fd, empty, fd, name("x"), 0));
    assertErrno(Errno.ENOENT, DirectoryIo.linkat(fd, empty, fd, name("x"), 0));
    assertErrno(Errno.ENOENT, new Statx().readEntry(fd, empty, 0, 0));
  }

  @Test
  void anInodeIsLinkedByItsDescriptorWithThePrivilege() {
    TestDirectory.assumeRoot();
    directory.make("f", FileMode.S_IFREG | 0600);
    NativeName empty = new NativeName(NativeName.NAME_MAX);
    int handle = directory.handle("f");
    int result = DirectoryIo.linkat(handle, empty, fd, name("g"), DirectoryIo.AT_EMPTY_PATH);
    assumeTrue(result != -Errno.ENOENT, "root without CAP_DAC_READ_SEARCH");
    ok(result);
    assertEquals(2, directory.stat("g").links());
  }

  /** A tree deeper than a path can name is walked by its descriptors. */
  @Test
  void deeperThanAnyPath() {
    NativeName name = name("n".repeat(250));
    int[] levels = new int[40];
    int at = fd;
    for (int i = 0; i < levels.length; i++) {
      ok(DirectoryIo.mkdirat(at, name, 0700));
      at = directory.opened(TestDirectory.HANDLE.open(at, name));
      levels[i] = at;
    }
    assertTrue(levels.length * 251 > 2 * NativeName.PATH_BYTES);
    ok(new HandleIo().chmod(at, 0711));
    Statx stat = new Statx();
    ok(stat.read(at, 0, Statx.STATX_MODE));
    assertEquals(0711, stat.mode() & FileMode.PERMISSIONS);
    assertNotEquals(directory.stat("n".repeat(250)).inode(), stat.inode());
    NativeMemory value = memory("deep");
    int set = new ExtendedAttributes().set(at, name("user.x"), value.address(), 4, 0);
    assertTrue(set == 0 || set == -Errno.EOPNOTSUPP, "errno " + -set);
    for (int i = levels.length - 2; i >= 0; i--) {
      ok(DirectoryIo.unlinkat(levels[i], name, DirectoryIo.AT_REMOVEDIR));
    }
  }
}
