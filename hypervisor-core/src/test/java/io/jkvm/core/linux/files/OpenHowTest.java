// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.name;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static io.jkvm.core.linux.files.TestDirectory.path;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpenHowTest {
  @TempDir Path outside;
  private Path inside;
  private TestDirectory directory;

  @BeforeEach
  void open() throws Exception {
    inside = Files.createDirectory(outside.resolve("inside"));
    Files.writeString(outside.resolve("secret"), "s");
    Files.createDirectory(inside.resolve("d"));
    Files.writeString(inside.resolve("d/file"), "f");
    directory = new TestDirectory(inside);
  }

  @AfterEach
  void close() {
    directory.close();
  }

  private int lookUp(String path, int flags, long resolve) {
    int result = new OpenHow(flags, 0, resolve).open(directory.fd(), path(path));
    return result < 0 ? result : directory.opened(result);
  }

  @Test
  void beneathRefusesAllThatLeadsOut() {
    directory.link("../secret", "out");
    directory.link("/", "root");
    directory.link("d", "in");
    directory.link("../inside/d", "back");
    for (int flags : new int[] {OpenHow.O_PATH, OpenHow.O_RDONLY}) {
      for (String path :
          new String[] {"..", "../secret", "d/../../secret", "out", "root", "root/etc", "back"}) {
        assertErrno(Errno.EXDEV, lookUp(path, flags, OpenHow.RESOLVE_BENEATH));
      }
      assertErrno(Errno.EXDEV, lookUp(inside + "/d", flags, OpenHow.RESOLVE_BENEATH));
      ok(lookUp("d/../in/file", flags, OpenHow.RESOLVE_BENEATH));
    }
    ok(lookUp("../secret", OpenHow.O_RDONLY, 0));
    assertErrno(Errno.ENOENT, lookUp("", OpenHow.O_PATH, 0));
    // Whoever removes the temporary directory would warn of it.
    ok(DirectoryIo.unlinkat(directory.fd(), name("root"), 0));
  }

  @Test
  void theDirectoryCanBeTheRoot() {
    directory.link("/d/file", "absolute");
    directory.link("../../../d/file", "relative");
    for (String path : new String[] {"absolute", "relative", "../../d/file", "/d/file"}) {
      Statx stat = new Statx();
      ok(stat.read(lookUp(path, OpenHow.O_PATH, OpenHow.RESOLVE_IN_ROOT), 0, Statx.STATX_INO));
      int file = lookUp("d/file", OpenHow.O_PATH, 0);
      long inode = stat.inode();
      ok(stat.read(file, 0, Statx.STATX_INO));
      assertEquals(inode, stat.inode(), path);
    }
    assertErrno(Errno.ENOENT, lookUp("/etc", OpenHow.O_PATH, OpenHow.RESOLVE_IN_ROOT));
  }

  @Test
  void linksAndMountsCanBeForbidden() {
    directory.link("d", "in");
    assertErrno(Errno.ELOOP, lookUp("in/file", OpenHow.O_PATH, OpenHow.RESOLVE_NO_SYMLINKS));
    assertErrno(
        Errno.ELOOP, lookUp("/proc/self/cwd/x", OpenHow.O_PATH, OpenHow.RESOLVE_NO_MAGICLINKS));
    assertErrno(Errno.EXDEV, lookUp("/proc", OpenHow.O_PATH, OpenHow.RESOLVE_NO_XDEV));
    ok(lookUp("/proc", OpenHow.O_PATH, 0));
  }

  @Test
  void aLinkIsHeldAndNotFollowed() {
    directory.link("../secret", "out");
    int link = directory.handle("out");
    Statx stat = new Statx();
    ok(stat.read(link, 0, Statx.STATX_TYPE));
    assertTrue(FileMode.isSymbolicLink(stat.mode()));
    int nofollow = OpenHow.O_NOFOLLOW;
    assertErrno(Errno.ELOOP, lookUp("out", OpenHow.O_RDONLY | nofollow, 0));
    int createdByNobody = OpenHow.O_CREAT | OpenHow.O_EXCL | OpenHow.O_RDWR;
    assertErrno(Errno.EEXIST, lookUp("out", createdByNobody, 0));
  }

  @Test
  void everyDescriptorIsClosedOnExec() throws Exception {
    int handle = directory.handle("d");
    int open = directory.open("d", OpenHow.O_RDONLY);
    int created = directory.create("new");
    int reopened = directory.opened(new HandleIo().reopen(handle, OpenHow.O_RDONLY));
    int duplicate = directory.opened(HandleIo.dup(handle));
    for (int fd : new int[] {directory.fd(), handle, open, created, reopened, duplicate}) {
      assertTrue(TestDirectory.isCloseOnExec(fd));
    }
  }

  @Test
  void whatTheKernelDoesNotKnowIsRefused() {
    OpenHow how = new OpenHow(OpenHow.O_PATH | OpenHow.O_APPEND, 0, 0);
    assertErrno(Errno.EINVAL, how.open(directory.fd(), name("d")));
    how.set(OpenHow.O_RDONLY, 0644, 0);
    assertErrno(Errno.EINVAL, how.open(directory.fd(), name("d")));
    how.set(OpenHow.O_RDONLY, 0, 1L << 60);
    assertErrno(Errno.EINVAL, how.open(directory.fd(), name("d")));
    how.set(OpenHow.O_RDWR | OpenHow.O_CREAT, 0644, 0);
    assertErrno(Errno.EISDIR, how.open(directory.fd(), name("d")));
    how.set(OpenHow.O_RDONLY, 0, 0);
    assertErrno(Errno.EBADF, how.open(-1, name("d")));
  }

  /**
   * Another thread exchanges a directory with a link that leads out, all the time. Lookups as a
   * server makes them get the directory or an error, those without protection do get out.
   */
  @Test
  void aDirectoryThatBecomesALinkNeverLeadsOut() throws Exception {
    directory.link("..", "l");
    AtomicBoolean stop = new AtomicBoolean();
    Thread exchanger =
        new Thread(
            () -> {
              NativeName d = name("d");
              NativeName l = name("l");
              int exchange = DirectoryIo.RENAME_EXCHANGE;
              while (!stop.get()) {
                DirectoryIo.renameat2(directory.fd(), d, directory.fd(), l, exchange);
              }
            });
    exchanger.start();
    try {
      int enough = 100;
      int entered = 0;
      int refused = 0;
      int refusedAsPath = 0;
      int gotOut = 0;
      OpenHow plain = new OpenHow(OpenHow.O_RDONLY, 0, 0);
      OpenHow beneath = new OpenHow(OpenHow.O_RDONLY, 0, OpenHow.RESOLVE_BENEATH);
      NativeName d = name("d");
      NativeName secret = name("secret");
      NativeName path = path("d/secret");
      while (Math.min(Math.min(entered, refused), Math.min(refusedAsPath, gotOut)) < enough) {
        int handle = TestDirectory.HANDLE.open(directory.fd(), d);
        ok(handle);
        int result = TestDirectory.HANDLE.open(handle, secret);
        HandleIo.close(handle);
        if (result == -Errno.ENOENT) {
          entered++;
        } else {
          assertErrno(Errno.ENOTDIR, result);
          refused++;
        }
        int asPath = beneath.open(directory.fd(), path);
        if (asPath != -Errno.ENOENT && asPath != -Errno.EAGAIN) {
          assertErrno(Errno.EXDEV, asPath);
          refusedAsPath++;
        }
        int unprotected = plain.open(directory.fd(), path);
        if (unprotected >= 0) {
          HandleIo.close(unprotected);
          gotOut++;
        }
      }
    } finally {
      stop.set(true);
      exchanger.join();
    }
  }
}
