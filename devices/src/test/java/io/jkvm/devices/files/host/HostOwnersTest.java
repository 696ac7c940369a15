// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.assumeRoot;
import static io.jkvm.devices.files.host.HostShare.fails;
import static io.jkvm.devices.files.host.HostShare.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Credentials;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.ThreadFileAccess;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostOwnersTest {
  private static final int USER = 1000;
  private static final int GROUP = 1001;
  private static final int OTHER = 1002;

  @TempDir Path path;

  private static void isOwned(HostShare share, int uid, int gid) {
    assertEquals(uid, share.entry.uid);
    assertEquals(gid, share.entry.gid);
  }

  private static void makeEverything(HostShare share, int uid, int gid) {
    share.create(ROOT, "created", 0604, OpenFlags.READ_WRITE).close();
    isOwned(share, uid, gid);
    assertEquals(0604, share.entry.mode & FileMode.PERMISSIONS);
    ok(share.mkdir(ROOT, "directory", 0707));
    isOwned(share, uid, gid);
    assertEquals(0707, share.entry.mode & FileMode.PERMISSIONS);
    ok(share.mknod(ROOT, "node", FileMode.FIFO | 0666));
    isOwned(share, uid, gid);
    assertEquals(0666, share.entry.mode & FileMode.PERMISSIONS);
    ok(share.symlink(ROOT, "link", "x"));
    isOwned(share, uid, gid);
  }

  @Test
  void asRootTheCallerOwnsWhatItMakes() throws IOException {
    assumeRoot();
    try (HostShare share = new HostShare(path)) {
      share.caller.uid = USER;
      share.caller.gid = GROUP;
      // The directory is root's, and not for others: the guest's kernel knows better.
      makeEverything(share, USER, GROUP);
      // The thread is root again.
      share.caller.uid = 0;
      share.caller.gid = 0;
      ok(share.mkdir(ROOT, "roots", 0700));
      isOwned(share, 0, 0);
      share.file("made by the thread", "");
      assertEquals(0, Files.getAttribute(path.resolve("made by the thread"), "unix:uid"));
      assertEquals(0, Files.getAttribute(path.resolve("made by the thread"), "unix:gid"));
    }
  }

  /** In a JVM of its own: threads here have served, or were begun by some that had. */
  @Test
  void whoOpensAndClosesATreeKeepsItsRights() throws Exception {
    assumeRoot();
    LimitedProcess.assertRuns("-c 0", RightsProgram.class, path);
  }

  @Test
  void aGroupOfADirectoryIsInherited() throws IOException {
    assumeRoot();
    try (HostShare share = new HostShare(path)) {
      share.directory("d");
      long d = share.node("d");
      ok(share.chown(d, 0, OTHER));
      // Threads that serve files are in no group but root's, and have no CAP_FSETID.
      ok(share.chmod(d, 02775));
      assertEquals(02775, share.entry.mode & FileMode.PERMISSIONS);
      share.caller.uid = USER;
      share.caller.gid = GROUP;
      ok(share.mkdir(d, "in", 0755));
      isOwned(share, USER, OTHER);
      assertEquals(02755, share.entry.mode & FileMode.PERMISSIONS);
      share.create(d, "file", 02755, OpenFlags.READ_WRITE).close();
      isOwned(share, USER, OTHER);
      assertEquals(0755, share.entry.mode & FileMode.PERMISSIONS);
    }
  }

  @Test
  void asRootNobodyMakesNothing() throws IOException {
    assumeRoot();
    try (HostShare share = new HostShare(path)) {
      share.caller.uid = -1;
      share.caller.gid = GROUP;
      fails(Errno.EPERM, share.mkdir(ROOT, "d", 0755));
      assertFalse(Files.exists(path.resolve("d"), LinkOption.NOFOLLOW_LINKS));
      share.caller.uid = 0;
      share.caller.gid = 0;
      ok(share.mkdir(ROOT, "d", 0755));
      isOwned(share, 0, 0);
    }
  }

  @Test
  void asRootOwnersBecomeWhatIsAskedFor() throws IOException {
    assumeRoot();
    try (HostShare share = new HostShare(path)) {
      share.file("f", "12345");
      long node = share.node("f");
      ok(share.chown(node, USER, GROUP));
      isOwned(share, USER, GROUP);
      share.change.uid = OTHER;
      ok(share.change(node, AttributeChange.UID));
      isOwned(share, OTHER, GROUP);
      ok(share.symlink(ROOT, "l", "f"));
      ok(share.chown(share.entry.node, USER, GROUP));
      isOwned(share, USER, GROUP);
      ok(share.attributes(node));
      isOwned(share, OTHER, GROUP);
      // A size that can't be has the owner stay what it was.
      share.change.size = Long.MAX_VALUE;
      share.change.uid = 7;
      int result = share.change(node, AttributeChange.UID | AttributeChange.SIZE);
      assumeTrue(result < 0, "a file system where files can have any size");
      fails(Errno.EFBIG, result);
      ok(share.attributes(node));
      isOwned(share, OTHER, GROUP);
      assertEquals(5, share.entry.size);
    }
  }

  /** As an ordinary user, on a thread that ends with it. */
  private static void asUser(Callable<Void> action) throws Exception {
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              if (Credentials.effectiveUserId() == 0) {
                ok(ThreadFileAccess.setgroups(new NativeMemory(4), 0));
                ok(ThreadFileAccess.setfsgid(GROUP));
                ok(ThreadFileAccess.setfsuid(USER));
              }
              return action.call();
            });
    Thread thread = new Thread(task, "user");
    thread.start();
    task.get();
  }

  private HostShare userShare() throws IOException {
    assumeRoot();
    Path root = Files.createDirectory(path.resolve("share"));
    Files.setAttribute(root, "unix:uid", USER);
    Files.setAttribute(root, "unix:gid", GROUP);
    Files.setAttribute(path, "unix:mode", 0755);
    return new HostShare(root, 1000, 100, new HostOwners(USER));
  }

  @Test
  void asAUserAllIsTheUsers() throws Exception {
    try (HostShare share = userShare()) {
      asUser(
          () -> {
            makeEverything(share, USER, GROUP);
            share.caller.uid = 65_534;
            share.caller.gid = 65_534;
            ok(share.mkdir(ROOT, "nobody", 0755));
            isOwned(share, USER, GROUP);
            return null;
          });
    }
  }

  @Test
  void asAUserRootStandsForTheUser() throws Exception {
    try (HostShare share = userShare()) {
      asUser(
          () -> {
            ok(share.mknod(ROOT, "f", FileMode.REGULAR | 0644));
            long node = share.entry.node;
            ok(share.chown(node, 0, 0));
            isOwned(share, USER, GROUP);
            ok(share.chown(node, USER, GROUP));
            isOwned(share, USER, GROUP);
            share.change.mode = 0600;
            share.change.uid = OTHER;
            fails(Errno.EPERM, share.change(node, AttributeChange.UID | AttributeChange.MODE));
            ok(share.attributes(node));
            assertEquals(0644, share.entry.mode & FileMode.PERMISSIONS);
            share.change.gid = OTHER;
            fails(Errno.EPERM, share.change(node, AttributeChange.GID));
            isOwned(share, USER, GROUP);
            return null;
          });
      Files.setAttribute(share.file("roots", "secret"), "unix:mode", 0644);
      asUser(
          () -> {
            long node = share.node("roots");
            isOwned(share, 0, (int) Files.getAttribute(share.root.resolve("roots"), "unix:gid"));
            fails(Errno.EPERM, share.chown(node, USER, GROUP));
            fails(Errno.EPERM, share.chmod(node, 0777));
            fails(Errno.EACCES, share.openError(node, OpenFlags.READ_WRITE));
            share.change.uid = 0;
            ok(share.change(node, AttributeChange.UID));
            return null;
          });
    }
  }

  /** Its time of change would tell programs such as tar that there is something to be done. */
  @Test
  void asAUserAChangeThatChangesNothingIsNoChange() throws Exception {
    try (HostShare share = userShare()) {
      for (int mode : new int[] {0644, 0755, 02644}) {
        Path file = share.file("f" + mode, "");
        Files.setAttribute(file, "unix:uid", USER);
        Files.setAttribute(file, "unix:mode", FileMode.REGULAR | mode);
        Object before = Files.getAttribute(file, "unix:ctime");
        awaitTick(share.root);
        asUser(
            () -> {
              ok(share.chown(share.node("f" + mode), 0, 0));
              ok(share.change(share.node("f" + mode), 0));
              return null;
            });
        assertEquals(before, Files.getAttribute(file, "unix:ctime"), Integer.toOctalString(mode));
      }
    }
  }

  /** Until the clock by which files get their times has gone on. */
  private static void awaitTick(Path folder) throws IOException {
    Path probe = Files.createTempFile(folder, "tick", null);
    Object first = Files.getAttribute(probe, "unix:ctime");
    while (Files.getAttribute(probe, "unix:ctime").equals(first)) {
      Files.setAttribute(probe, "unix:mode", FileMode.REGULAR | 0600);
    }
  }

  /** The guest's kernel counts on it. */
  @Test
  void asAUserAChangeThatChangesNothingTakesSetIdBits() throws Exception {
    try (HostShare share = userShare()) {
      Path program = share.file("program", "");
      Files.setAttribute(program, "unix:uid", USER);
      Files.setAttribute(program, "unix:mode", FileMode.REGULAR | 06755);
      asUser(
          () -> {
            ok(share.chown(share.node("program"), 0, 0));
            isOwned(share, USER, (int) Files.getAttribute(program, "unix:gid"));
            return null;
          });
      assertEquals(FileMode.REGULAR | 0755, Files.getAttribute(program, "unix:mode"));
    }
  }

  @Test
  void asAUserAFileIsCutThatMayNotBeOpened() throws Exception {
    try (HostShare share = userShare()) {
      asUser(
          () -> {
            try (OpenFile file = share.create(ROOT, "f", 0, OpenFlags.READ_WRITE)) {
              long node = share.entry.node;
              assertEquals(5, HostShare.write(file, "hello", 0));
              share.change.size = 2;
              ok(share.change(node, file, AttributeChange.SIZE));
              assertEquals(2, share.entry.size);
              fails(Errno.EACCES, share.change(node, AttributeChange.SIZE));
              fails(Errno.EACCES, share.openError(node, OpenFlags.READ_ONLY));
              ok(share.unlink(ROOT, "f"));
              ok(share.chmod(node, 0644));
              assertEquals(0644, share.entry.mode & FileMode.PERMISSIONS);
            }
            return null;
          });
    }
  }
}
