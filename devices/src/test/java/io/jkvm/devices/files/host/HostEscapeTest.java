// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.fails;
import static io.jkvm.devices.files.host.HostShare.name;
import static io.jkvm.devices.files.host.HostShare.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.DirectoryIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.TreeStatistics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nothing leads out of the share, nor into what is mounted there for the host alone. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostEscapeTest {
  private static final int ROUNDS = 4000;
  private static final String OUTSIDE = "outside";

  @TempDir Path path;

  private static NativeName path(Path path) {
    return HostShare.text(path.toString());
  }

  @Test
  void aDirectoryThatBecomesALinkLeadsNowhere() throws Exception {
    Path root = Files.createDirectory(path.resolve("share"));
    Path outside = Files.createDirectory(path.resolve("outside"));
    Files.writeString(outside.resolve("marker"), OUTSIDE);
    Files.createDirectory(root.resolve("d"));
    Files.writeString(root.resolve("d/marker"), "inside");
    Files.createSymbolicLink(root.resolve("l"), outside);
    AtomicBoolean end = new AtomicBoolean();
    int[] exchanges = new int[1];
    NativeName d = path(root.resolve("d"));
    NativeName l = path(root.resolve("l"));
    Thread swapper =
        new Thread(
            () -> {
              int here = DirectoryIo.AT_FDCWD;
              while (!end.get()) {
                ok(DirectoryIo.renameat2(here, d, here, l, DirectoryIo.RENAME_EXCHANGE));
                exchanges[0]++;
              }
            },
            "swapper");
    // So few handles that nodes have to be found again by their names.
    try (HostShare share = new HostShare(root, 100, 2)) {
      swapper.start();
      int read = 0;
      for (int i = 0; i < ROUNDS || read == 0; i++) {
        read += round(share, i);
      }
      end.set(true);
      swapper.join();
      assertTrue(exchanges[0] > 0);
    } finally {
      end.set(true);
    }
    try (var left = Files.list(outside)) {
      assertEquals(List.of(outside.resolve("marker")), left.toList());
    }
    assertEquals(OUTSIDE, Files.readString(outside.resolve("marker")));
  }

  /** Tries to read and to write by a name that is a directory or a link. */
  private static int round(HostShare share, int number) {
    int read = 0;
    ok(share.lookup(ROOT, "d"));
    long node = share.entry.node;
    if (share.lookup(node, "marker") == 0) {
      long marker = share.entry.node;
      assertEquals("inside".length(), share.entry.size);
      int error = share.openError(marker, OpenFlags.READ_ONLY);
      if (error == 0) {
        try (OpenFile file = share.result.takeFile()) {
          assertEquals("inside", HostShare.read(file, 0, 100));
          read++;
        }
      } else {
        fails(Errno.ESTALE, error);
      }
    }
    String made = "made" + number % 3;
    int error =
        share.tree.create(share.caller, node, name(made), 0600, 0, share.entry, share.result);
    if (error == 0) {
      share.result.takeFile().close();
      // By now the directory may not be found again.
      assertTrue(List.of(0, -Errno.ESTALE).contains(share.unlink(node, made)));
    }
    if (number % 5 == 0) {
      share.tree.forgetAll();
    }
    return read;
  }

  @Test
  void linksAreNeverFollowed() throws IOException {
    Path root = Files.createDirectory(path.resolve("share"));
    Files.writeString(path.resolve("secret"), OUTSIDE);
    Files.createSymbolicLink(root.resolve("up"), Path.of(".."));
    Files.createSymbolicLink(root.resolve("file"), Path.of("../secret"));
    Files.createSymbolicLink(root.resolve("proc"), Path.of("/proc/self/root"));
    try (HostShare share = new HostShare(root)) {
      for (String link : List.of("up", "file", "proc")) {
        long node = share.node(link);
        assertEquals(FileMode.SYMBOLIC_LINK, share.entry.mode & FileMode.TYPE);
        fails(Errno.ENOTDIR, share.lookup(node, "secret"));
        fails(Errno.ENOTDIR, share.mkdir(node, "x", 0755));
        fails(Errno.ENOTDIR, share.unlink(node, "secret"));
        fails(Errno.ENOTDIR, share.tree.openDirectory(node, share.result));
        fails(Errno.ELOOP, share.openError(node, OpenFlags.READ_WRITE));
      }
    }
  }

  @Test
  void fileSystemsOfTheKernelsOwnAreEmpty() throws IOException {
    try (HostShare share = new HostShare(Path.of("/"))) {
      for (String name : List.of("proc", "sys")) {
        ok(share.lookup(ROOT, name));
        long node = share.entry.node;
        assertEquals(FileMode.DIRECTORY | 0555, share.entry.mode);
        assertNotEquals(0, share.entry.inode);
        isEmpty(share, node);
        assertEquals(node, share.node(name));
        share.tree.forget(node, 2);
        fails(Errno.ESTALE, share.attributes(node));
      }
      assertTrue(share.list(ROOT).contains("proc"));
    }
  }

  private static void isEmpty(HostShare share, long node) {
    assertTrue(share.list(node).isEmpty());
    fails(Errno.ENOENT, share.lookup(node, "self"));
    fails(Errno.ENOENT, share.lookup(node, "kernel"));
    fails(Errno.EPERM, share.mkdir(node, "x", 0755));
    fails(Errno.EPERM, share.mknod(node, "x", FileMode.REGULAR | 0600));
    fails(Errno.EPERM, share.unlink(node, "version"));
    fails(Errno.EPERM, share.rename(node, "version", ROOT, "x", 0));
    fails(Errno.EPERM, share.chmod(node, 0700));
    fails(Errno.EISDIR, share.openError(node, OpenFlags.READ_ONLY));
    NativeMemory memory = new NativeMemory(64);
    fails(Errno.EINVAL, share.tree.readLink(node, memory));
    assertEquals(0, share.tree.extendedAttributeNames(node, memory, 64));
    fails(Errno.ENODATA, share.tree.extendedAttribute(node, HostShare.text("user.x"), memory, 64));
    ok(share.tree.statistics(node, new TreeStatistics()));
    ok(share.attributes(node));
    assertEquals(0, share.entry.size);
  }

  @Test
  void theSpecialOnesBelowAreEmptyAndOthersAreNot() throws Exception {
    HostShare.assumeRoot();
    Path root = Files.createDirectory(path.resolve("share"));
    List<String> special = List.of("proc", "sysfs", "cgroup2", "mqueue", "devtmpfs");
    for (String type : special) {
      Files.createDirectory(root.resolve(type));
    }
    Path memory = Files.createDirectory(root.resolve("tmpfs"));
    Path bind = Files.createDirectory(root.resolve("bind"));
    try (HostShare share = new HostShare(root)) {
      assumeTrue(mount("-t", "tmpfs", "none", memory.toString()), "mount");
      assertTrue(mount("--bind", "/proc/self", bind.toString()));
      Files.writeString(memory.resolve("f"), "in a mount");
      assertEquals("in a mount", share.contents(share.node("tmpfs", "f")));
      long inside = share.entry.inode;
      ok(share.lookup(ROOT, "tmpfs"));
      assertNotEquals(inside, share.entry.inode);
      ok(share.mkdir(share.entry.node, "made", 0755));
      ok(share.tree.sync());
      isEmpty(share, share.node("bind"));
      fails(Errno.EBUSY, share.rmdir(ROOT, "bind"));
      fails(Errno.EXDEV, share.rename(ROOT, "proc", share.node("tmpfs"), "p", 0));
      for (String type : special) {
        if (mount("-t", type, "none", root.resolve(type).toString())) {
          isEmpty(share, share.node(type));
          unmount(root.resolve(type));
          ok(share.mkdir(share.node(type), "real", 0755));
        }
      }
    } finally {
      unmount(memory);
      unmount(bind);
    }
  }

  /** Here one that never answers. */
  @Test
  void whatAProcessServesIsNotWaitedFor() throws Exception {
    HostShare.assumeRoot();
    Path dead = Files.createDirectories(path.resolve("share/dead"));
    String mount =
        "exec 9<>/dev/fuse && mount -i -t fuse none \"$1\" -o"
            + " fd=9,rootmode=40000,user_id=0,group_id=0 && echo there && read x";
    Process fuse = new ProcessBuilder("bash", "-c", mount, "bash", dead.toString()).start();
    try (HostShare share = new HostShare(path.resolve("share"))) {
      assumeTrue("there".equals(fuse.inputReader().readLine()), "/dev/fuse");
      isEmpty(share, share.node("dead"));
      assertEquals(List.of("dead"), share.list(ROOT));
      fails(Errno.EBUSY, share.rmdir(ROOT, "dead"));
    } finally {
      fuse.destroy();
      unmount(dead);
    }
  }

  @Test
  void equalInodesOfTwoFileSystemsDiffer() throws Exception {
    HostShare.assumeRoot();
    Path one = Files.createDirectories(path.resolve("share/one"));
    Path two = Files.createDirectories(path.resolve("share/two"));
    try (HostShare share = new HostShare(path.resolve("share"))) {
      assumeTrue(mount("-t", "tmpfs", "none", one.toString()), "mount");
      assertTrue(mount("-t", "tmpfs", "none", two.toString()));
      Files.writeString(one.resolve("f"), "one");
      Files.writeString(two.resolve("f"), "two");
      assumeTrue(inode(one) == inode(two) && inode(one.resolve("f")) == inode(two.resolve("f")));
      long first = share.node("one", "f");
      long firstInode = share.entry.inode;
      long second = share.node("two", "f");
      assertNotEquals(first, second);
      assertNotEquals(firstInode, share.entry.inode);
      share.tree.forgetAll();
      share.node("one", "f");
      assertEquals(firstInode, share.entry.inode);
      assertFalse(share.list(share.node("two")).isEmpty());
    } finally {
      unmount(one);
      unmount(two);
    }
  }

  private static long inode(Path file) throws IOException {
    Object inode = Files.getAttribute(file, "unix:ino");
    assertNotNull(inode);
    return (long) inode;
  }

  static boolean mount(String... arguments) throws Exception {
    List<String> all = new java.util.ArrayList<>(List.of("mount"));
    all.addAll(List.of(arguments));
    return run(all) == 0;
  }

  static void unmount(Path where) throws Exception {
    run(List.of("umount", "-l", where.toString()));
  }

  private static int run(List<String> command) throws Exception {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.waitFor();
  }
}
