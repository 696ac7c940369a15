// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.asUser;
import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.assumeRoot;
import static io.jkvm.core.linux.files.TestDirectory.name;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static io.jkvm.core.linux.files.TestDirectory.onThread;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.ThreadPrivileges;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThreadFileAccessTest {
  private static final int USER = 4321;

  @TempDir Path path;
  private TestDirectory directory;
  private int fd;
  private final HandleIo io = new HandleIo();

  @BeforeEach
  void open() {
    directory = new TestDirectory(path);
    fd = directory.fd();
  }

  @AfterEach
  void close() {
    directory.close();
  }

  /** A line of the calling thread's status in proc. */
  private static String status(String key) throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/thread-self/status"))) {
      if (line.startsWith(key + ":")) {
        return line.substring(key.length() + 1).strip();
      }
    }
    throw new AssertionError(key);
  }

  private int permissions(String name) {
    return directory.stat(name).mode() & FileMode.PERMISSIONS;
  }

  @Test
  void aThreadHasAUmaskOfItsOwn() throws Exception {
    String before = status("Umask");
    onThread(
        () -> {
          ThreadFileAccess.ownUmask(0);
          assertEquals(0, Integer.parseInt(status("Umask"), 8));
          ok(DirectoryIo.mkdirat(fd, name("d"), 0777));
          ok(DirectoryIo.mknodat(fd, name("f"), FileMode.S_IFIFO | 0666, 0));
          int flags = OpenHow.O_CREAT | OpenHow.O_EXCL | OpenHow.O_WRONLY;
          directory.opened(new OpenHow(flags, 0666, 0).open(fd, name("o")));
          return onThread(
              () -> {
                assertEquals(0, Integer.parseInt(status("Umask"), 8), "inherited");
                return null;
              });
        });
    assertEquals(0777, permissions("d"));
    assertEquals(0666, permissions("f"));
    assertEquals(0666, permissions("o"));
    assertEquals(before, status("Umask"), "that of the others stays");
    onThread(
        () -> {
          ThreadFileAccess.ownUmask(077);
          ok(DirectoryIo.mkdirat(fd, name("e"), 0777));
          return null;
        });
    assertEquals(0700, permissions("e"));
  }

  @Test
  void aThreadActsAsAnotherUserAlone() throws Exception {
    assumeRoot();
    ok(io.chmod(fd, 0777));
    directory.create("roots");
    ok(io.chmod(directory.handle("roots"), 0600));
    directory.create("groups");
    ok(io.chmod(directory.handle("groups"), 0640));
    int roots = directory.handle("roots");
    int groups = directory.handle("groups");
    String before = status("Uid");
    asUser(
        USER,
        () -> {
          assertNotEquals(before, status("Uid"));
          assertErrno(Errno.EACCES, io.reopen(roots, OpenHow.O_RDONLY));
          assertErrno(Errno.EACCES, io.reopen(groups, OpenHow.O_RDONLY));
          assertErrno(Errno.EPERM, io.chmod(roots, 0666));
          assertErrno(Errno.EPERM, HandleIo.chown(roots, USER, USER));
          assertErrno(Errno.EACCES, io.truncate(roots, 0));
          assertErrno(Errno.EPERM, io.reopen(fd, OpenHow.O_RDONLY | OpenHow.O_NOATIME));
          ok(DirectoryIo.mkdirat(fd, name("own"), 0700));
          int own = directory.handle("own");
          // Handles are reached through proc as this user, too.
          ok(io.chmod(own, 0711));
          ok(DirectoryIo.mknodat(own, name("fifo"), FileMode.S_IFIFO | 0600, 0));
          assertErrno(Errno.EPERM, HandleIo.chown(own, 0, -1));
          return null;
        });
    assertEquals(USER, directory.stat("own").uid());
    assertEquals(USER, directory.stat("own").gid());
    assertEquals(0711, permissions("own"));
    assertEquals(before, status("Uid"));
    directory.opened(io.reopen(roots, OpenHow.O_RDONLY));
  }

  @Test
  void aUserMayMakeFilesWhereOthersHaveChecked() throws Exception {
    assumeRoot();
    ok(io.chmod(fd, 0700));
    directory.create("roots");
    int roots = directory.handle("roots");
    String before = status("CapEff");
    onThread(
        () -> {
          NativeMemory scratch = new NativeMemory(32);
          assertErrno(Errno.EINVAL, ThreadFileAccess.regainDacOverride(new NativeMemory(16)));
          ok(ThreadFileAccess.setfsuid(USER));
          assertErrno(Errno.EACCES, DirectoryIo.mkdirat(fd, name("d"), 0755));
          ok(ThreadFileAccess.regainDacOverride(scratch));
          ok(DirectoryIo.mkdirat(fd, name("d"), 0755));
          assertErrno(Errno.EPERM, HandleIo.chown(roots, USER, USER));
          ok(ThreadFileAccess.setfsuid(0));
          assertEquals(before, status("CapEff"));
          ok(HandleIo.chown(roots, USER, USER));
          return null;
        });
    assertEquals(USER, directory.stat("d").uid());
  }

  @Test
  void groupsCountForTheThreadThatHasThem() throws Exception {
    assumeRoot();
    directory.create("file");
    int handle = directory.handle("file");
    ok(HandleIo.chown(handle, 0, USER + 1));
    ok(io.chmod(handle, 0040));
    NativeMemory groups = new NativeMemory(8);
    groups.buffer().putInt(0, USER + 2).putInt(4, USER + 1);
    String before = status("Groups");
    onThread(
        () -> {
          ok(ThreadFileAccess.setgroups(groups, 1));
          assertEquals(String.valueOf(USER + 2), status("Groups"));
          ok(ThreadFileAccess.setfsuid(USER));
          assertErrno(Errno.EACCES, io.reopen(handle, OpenHow.O_RDONLY));
          ok(ThreadFileAccess.setgroups(groups, 2));
          directory.opened(io.reopen(handle, OpenHow.O_RDONLY));
          ok(ThreadFileAccess.setfsuid(0));
          ok(ThreadFileAccess.setfsgid(USER + 3));
          ok(DirectoryIo.mkdirat(fd, name("d"), 0700));
          return null;
        });
    assertEquals(USER + 3, directory.stat("d").gid());
    assertEquals(before, status("Groups"));
    assertErrno(Errno.EINVAL, ThreadFileAccess.setgroups(groups, 3));
    assertErrno(Errno.EINVAL, ThreadFileAccess.setgroups(groups, -1));
  }

  @Test
  void whoMayNotIsTold() throws Exception {
    onThread(
        () -> {
          ThreadPrivileges.dropCapabilities();
          assertErrno(Errno.EPERM, ThreadFileAccess.setfsuid(USER));
          assertErrno(Errno.EPERM, ThreadFileAccess.setfsgid(USER));
          assertErrno(Errno.EPERM, ThreadFileAccess.setgroups(new NativeMemory(4), 1));
          assertErrno(Errno.EPERM, ThreadFileAccess.regainDacOverride(new NativeMemory(32)));
          ThreadFileAccess.ownUmask(022);
          return null;
        });
    assertErrno(Errno.EPERM, ThreadFileAccess.setfsuid(-1));
  }
}
