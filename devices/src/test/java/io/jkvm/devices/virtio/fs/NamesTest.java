// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.fs.SharedDirectory.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Requests with names: found, made, linked, renamed, removed, and refused. */
class NamesTest {
  private static final int S_IFREG = 0x8000;
  private static final int S_IFIFO = 0x1000;
  private static final int S_IFCHR = 0x2000;
  private static final long ROOT = FileTree.ROOT;

  @TempDir private Path temporary;

  /** Each request that takes a name, the name being its last thing or both being bad in turn. */
  @ParameterizedTest
  @EnumSource
  void oneComponentOrEinval(Kind kind) throws Exception {
    Path outside = Files.writeString(temporary.resolve("outside"), "x");
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      share.file("a", "x");
      long node = share.node("a");
      List<String> bad = List.of("", ".", "..", "/", "/etc/x", "a/b", "a/", "../outside", "./a");
      for (String name : bad) {
        assertRefused(share.guest, name, node, Errno.EINVAL);
      }
      assertRefused(share.guest, "x".repeat(256), node, Errno.ENAMETOOLONG);
      assertRefused(share.guest, "x".repeat(4096), node, Errno.ENAMETOOLONG);
      assertRefused(share.guest, "x".repeat(20_000), node, Errno.EINVAL); // no NUL in sight
      assertEquals("x", Files.readString(outside));
      assertEquals("x", Files.readString(share.root.resolve("a")));
      try (var list = Files.list(share.root)) {
        assertEquals(1, list.count());
      }
    }
  }

  private static void assertRefused(FuseDriver guest, String name, long node, int errno)
      throws Exception {
    guest.lookup(ROOT, name).fails(errno);
    guest.mkdir(ROOT, name).fails(errno);
    guest.create(ROOT, name, 1, 0644).fails(errno);
    Body mknod = new Body().u32(S_IFREG | 0644).u32(0).u32(0).u32(0).name(name);
    guest.request(FuseDriver.MKNOD, ROOT, mknod).fails(errno);
    guest.request(FuseDriver.SYMLINK, ROOT, new Body().name(name).name("target")).fails(errno);
    guest.named(FuseDriver.UNLINK, ROOT, name).fails(errno);
    guest.named(FuseDriver.RMDIR, ROOT, name).fails(errno);
    guest.link(node, ROOT, name).fails(errno);
    guest.rename(ROOT, name, ROOT, "b", 0).fails(errno);
    guest.rename(ROOT, "a", ROOT, name, 0).fails(errno);
    Body first = new Body().u64(ROOT).name(name).name("b");
    guest.request(FuseDriver.RENAME, ROOT, first).fails(errno);
    Body second = new Body().u64(ROOT).name("a").name(name);
    guest.request(FuseDriver.RENAME, ROOT, second).fails(errno);
  }

  @Test
  void namesWithoutANulAreEinval() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      share.file("a", "x");
      byte[] open = "a".getBytes(StandardCharsets.UTF_8);
      share.guest.request(FuseDriver.LOOKUP, ROOT, new Body().raw(open)).fails(Errno.EINVAL);
      share.guest.request(FuseDriver.UNLINK, ROOT, new Body().raw(open)).fails(Errno.EINVAL);
      Body rename = new Body().u64(ROOT).u64(0).name("a").raw(open);
      share.guest.request(FuseDriver.RENAME2, ROOT, rename).fails(Errno.EINVAL);
      Body rest = new Body().u64(ROOT).u64(0).name("a");
      share.guest.request(FuseDriver.RENAME2, ROOT, rest).fails(Errno.EINVAL);
      Body symlink = new Body().name("s").raw(open);
      share.guest.request(FuseDriver.SYMLINK, ROOT, symlink).fails(Errno.EINVAL);
      share.guest.request(FuseDriver.SYMLINK, ROOT, new Body().name("s")).fails(Errno.EINVAL);
      assertTrue(Files.exists(share.root.resolve("a")));
    }
  }

  @ParameterizedTest
  @EnumSource
  void filesAndDirectoriesAreMadeAndRemoved(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      final long directory = guest.mkdir(ROOT, "d").node();
      guest.mkdir(ROOT, "d").fails(Errno.EEXIST);
      Body mknod = new Body().u32(S_IFREG | 0600).u32(0).u32(0).u32(0).name("f");
      final long file = guest.request(FuseDriver.MKNOD, directory, mknod, 128).node();
      guest.request(FuseDriver.MKNOD, directory, mknod, 128).fails(Errno.EEXIST);
      assertEquals(file, guest.lookup(directory, "f").node());
      assertTrue(Files.isRegularFile(share.root.resolve("d/f")));
      guest.lookup(directory, "g").fails(Errno.ENOENT);
      guest.lookup(file, "g").fails(Errno.ENOTDIR);
      guest.mkdir(file, "g").fails(Errno.ENOTDIR);
      guest.named(FuseDriver.RMDIR, ROOT, "d").fails(Errno.ENOTEMPTY);
      guest.named(FuseDriver.UNLINK, ROOT, "d").fails(Errno.EISDIR);
      guest.named(FuseDriver.RMDIR, directory, "f").fails(Errno.ENOTDIR);
      guest.named(FuseDriver.UNLINK, directory, "f").ok();
      guest.named(FuseDriver.UNLINK, directory, "f").fails(Errno.ENOENT);
      guest.named(FuseDriver.RMDIR, ROOT, "d").ok();
      guest.named(FuseDriver.RMDIR, ROOT, "d").fails(Errno.ENOENT);
      guest.mkdir(directory, "below").fails(kind == Kind.NATIVE ? Errno.ENOENT : Errno.ESTALE);
      guest.lookup(4711, "x").fails(Errno.ESTALE);
      guest.mkdir(-1, "x").fails(Errno.ESTALE);
    }
  }

  /** Names are bytes: what is UTF-8 arrives as it was. */
  @ParameterizedTest
  @EnumSource
  void unusualNamesStayWhatTheyAre(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      for (String name : List.of("n\nl", "x".repeat(255), " ", "...", "-", "a\\b", "\"'$*")) {
        Answer made = share.guest.create(ROOT, name, 2, 0644);
        if (made.error() != 0) {
          assertEquals("a\\b", name, "errno " + made.error()); // a zip file's own separator
          continue;
        }
        assertTrue(Files.exists(share.root.resolve(name)), name);
        assertEquals(made.u64(0), share.node(name));
      }
      byte[] latin = {'a', (byte) 0xff, (byte) 0xfe, 'b', 0};
      share.guest.request(FuseDriver.LOOKUP, ROOT, new Body().raw(latin)).fails(Errno.ENOENT);
      Body mkdir = new Body().u64(0755).raw(latin);
      Answer made = share.guest.request(FuseDriver.MKDIR, ROOT, mkdir, 128);
      if (kind == Kind.NATIVE) {
        made.ok(); // names of the host are bytes
      } else {
        made.fails(Errno.EINVAL);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRenamedFileStaysTheSameNode(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      share.file("a", "of a");
      share.file("b", "of b");
      final long a = share.node("a");
      final long b = share.node("b");
      final long directory = guest.mkdir(ROOT, "d").node();
      guest.rename(ROOT, "a", ROOT, "b", 1).fails(Errno.EEXIST);
      guest.rename(ROOT, "a", ROOT, "b", 4).fails(Errno.EINVAL);
      guest.rename(ROOT, "a", ROOT, "b", 3).fails(Errno.EINVAL);
      guest.rename(ROOT, "a", ROOT, "d", 0).fails(Errno.EISDIR);
      guest.rename(ROOT, "d", ROOT, "a", 0).fails(Errno.ENOTDIR);
      guest.rename(ROOT, "d", directory, "d", 0).fails(Errno.EINVAL);
      guest.rename(ROOT, "missing", ROOT, "b", 0).fails(Errno.ENOENT);
      guest.rename(ROOT, "a", ROOT, "b", 0).ok();
      assertEquals(a, share.node("b"));
      guest.lookup(ROOT, "a").fails(Errno.ENOENT);
      assertEquals("of a", Files.readString(share.root.resolve("b")));
      guest.getattr(b).ok(); // it has no name, but it is known
      guest.rename(ROOT, "b", directory, "c", 1).ok();
      assertEquals(a, guest.lookup(directory, "c").node());
      assertEquals("of a", Files.readString(share.root.resolve("d/c")));
    }
  }

  /** Programs copy them then. */
  @Test
  void aFileSystemThatCanNotMoveDirectoriesSaysSo() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.ZIP, temporary)) {
      FuseDriver guest = share.guest;
      final long directory = guest.mkdir(ROOT, "d").node();
      guest.rename(ROOT, "d", ROOT, "empty", 0).ok();
      assertEquals(directory, share.node("empty"));
      guest.lookup(ROOT, "d").fails(Errno.ENOENT);
      guest.create(directory, "f", 2, 0644).ok();
      guest.rename(ROOT, "empty", ROOT, "full", 0).fails(Errno.EXDEV);
      guest.lookup(ROOT, "full").fails(Errno.ENOENT);
      guest.lookup(directory, "f").node();
    }
  }

  @Test
  void whatIsBelowARenamedDirectoryIsStillFound() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      FuseDriver guest = share.guest;
      long outer = guest.mkdir(ROOT, "outer").node();
      long inner = guest.mkdir(outer, "inner").node();
      long file = guest.create(inner, "f", 2, 0644).u64(0);
      guest.rename(ROOT, "outer", ROOT, "moved", 0).ok();
      guest.getattr(file).ok();
      assertEquals(file, guest.lookup(inner, "f").node());
      guest.mkdir(inner, "new").node();
      assertTrue(Files.isDirectory(share.root.resolve("moved/inner/new")));
      guest.rename(ROOT, "moved", inner, "x", 0).fails(Errno.EINVAL);
    }
  }

  @Test
  void hardLinksAreOneNode() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      FuseDriver guest = share.guest;
      share.file("a", "text");
      Files.createLink(share.root.resolve("b"), share.root.resolve("a"));
      final long a = share.node("a");
      assertEquals(a, share.node("b"));
      Answer linked = guest.link(a, ROOT, "c");
      assertEquals(a, linked.node());
      assertEquals(3, linked.u32(40 + 64), "links");
      guest.link(a, ROOT, "c").fails(Errno.EEXIST);
      guest.link(99, ROOT, "d").fails(Errno.ESTALE);
      guest.link(ROOT, ROOT, "d").fails(Errno.EPERM);
      guest.named(FuseDriver.UNLINK, ROOT, "a").ok();
      assertEquals(2, guest.getattr(a).ok().u32(16 + 64));
      assertEquals(a, share.node("c"));
      final long other = guest.create(ROOT, "a", 2, 0644).ok().u64(0);
      assertNotEquals(a, other);
      assertNotEquals(
          guest.getattr(a).ok().u64(16), guest.getattr(other).ok().u64(16), "inode numbers");
    }
  }

  @Test
  void symbolicLinksAreTheGuestsToFollow() throws Exception {
    Path outside = Files.createDirectory(temporary.resolve("outside"));
    Files.writeString(outside.resolve("secret"), "x");
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      FuseDriver guest = share.guest;
      String target = "../outside";
      final long link =
          guest.request(FuseDriver.SYMLINK, ROOT, new Body().name("evil").name(target)).node();
      assertTrue(Files.isSymbolicLink(share.root.resolve("evil")));
      assertEquals(target, guest.request(FuseDriver.READLINK, link, new Body(), 4096).ok().text());
      guest.request(FuseDriver.READLINK, link, new Body(), 9).fails(Errno.EINVAL);
      guest.request(FuseDriver.READLINK, ROOT, new Body(), 4096).fails(Errno.EINVAL);
      assertEquals(0xa000, guest.getattr(link).ok().u32(16 + 60) & 0xf000);
      guest.lookup(link, "secret").fails(Errno.ENOTDIR);
      guest.mkdir(link, "d").fails(Errno.ENOTDIR);
      guest.create(link, "f", 2, 0644).fails(Errno.ENOTDIR);
      guest.named(FuseDriver.UNLINK, link, "secret").fails(Errno.ENOTDIR);
      guest.open(link, 0).fails(Errno.ELOOP);
      guest.opendir(link).fails(Errno.ENOTDIR);
      guest.create(ROOT, "evil", 2, 0644).fails(Errno.ELOOP);
      guest.setattr(link, 1, 0, 0, 0777).fails(Errno.EOPNOTSUPP);
      // A directory that the guest knew becomes a link.
      final long directory = guest.mkdir(ROOT, "d").node();
      Files.delete(share.root.resolve("d"));
      Files.createSymbolicLink(share.root.resolve("d"), outside);
      guest.lookup(directory, "secret").fails(Errno.ENOTDIR);
      guest.create(directory, "new", 2, 0644).fails(Errno.ENOTDIR);
      assertFalse(Files.exists(outside.resolve("new")));
      assertFalse(Files.exists(outside.resolve("d"), LinkOption.NOFOLLOW_LINKS));
    }
  }

  @Test
  void longTargetsAreKept() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      String target = "x".repeat(4000) + "/y";
      Body body = new Body().name("s").name(target);
      long link = share.guest.request(FuseDriver.SYMLINK, ROOT, body).node();
      Answer read = share.guest.request(FuseDriver.READLINK, link, new Body(), 4096).ok();
      assertArrayEquals(target.getBytes(StandardCharsets.UTF_8), read.payload());
      Body tooLong = new Body().name("t").name("x".repeat(4096));
      share.guest.request(FuseDriver.SYMLINK, ROOT, tooLong).fails(Errno.ENAMETOOLONG);
    }
  }

  @ParameterizedTest
  @EnumSource
  void onlyFilesAreOpened(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      guest.open(ROOT, 0).fails(Errno.EISDIR);
      guest.create(ROOT, "f", 0x80 | 2, 0644).ok();
      guest.create(ROOT, "f", 0x80 | 2, 0644).fails(Errno.EEXIST);
      guest.create(ROOT, "f", 2, 0644).ok();
      guest.mkdir(ROOT, "d").node();
      guest.create(ROOT, "d", 2, 0644).fails(Errno.EISDIR);
      guest.create(ROOT, "g", 3, 0644).fails(Errno.EINVAL);
      guest.create(ROOT, "g", 2, S_IFIFO | 0644).fails(Errno.EINVAL);
      for (int type : new int[] {S_IFIFO, 0xc000}) {
        Body mknod = new Body().u32(type | 0644).u32(0).u32(0).u32(0).name("p" + type);
        if (kind == Kind.NATIVE) {
          long node = guest.request(FuseDriver.MKNOD, ROOT, mknod, 128).node();
          guest.open(node, 0).fails(Errno.ENXIO);
        } else {
          guest.request(FuseDriver.MKNOD, ROOT, mknod).fails(Errno.EPERM); // Java can't
        }
      }
      for (int type : new int[] {0x4000, 0xa000, 0xf000, 0x3000}) {
        Body mknod = new Body().u32(type | 0644).u32(0).u32(0).u32(0).name("p");
        guest.request(FuseDriver.MKNOD, ROOT, mknod).fails(Errno.EINVAL);
      }
    }
  }

  @Test
  void aFifoIsNeverOpened() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      new ProcessBuilder("mkfifo", share.root.resolve("p").toString()).start().waitFor();
      FuseDriver guest = share.guest;
      final long fifo = share.node("p");
      guest.open(fifo, 0).fails(Errno.ENXIO);
      guest.create(ROOT, "p", 2, 0644).fails(Errno.ENXIO);
      guest.setattr(fifo, 1, 0, 0, 0600).fails(Errno.EOPNOTSUPP);
      guest.setattr(fifo, 8, 0, 0, 0).fails(Errno.EINVAL);
      Body xattr = new Body().u32(0).u32(0).name("user.x");
      guest.request(FuseDriver.GETXATTR, fifo, xattr).fails(Errno.EOPNOTSUPP);
      assertEquals(S_IFIFO, guest.getattr(fifo).ok().u32(16 + 60) & 0xf000);
    }
  }

  /** The policy's business, whatever the tree could. */
  @Test
  void devicesAreMadeWhereThePolicySaysSo() throws Exception {
    Body mknod = new Body().u32(S_IFCHR | 0666).u32(0x105).u32(0).u32(0).name("zero");
    StubTree tree = new StubTree();
    try (FuseDriver guest =
        new FuseDriver(new VirtioFs("t", tree, SharePolicy.writable())).mounted()) {
      guest.request(FuseDriver.MKNOD, ROOT, mknod).fails(Errno.EPERM);
      assertEquals(0, tree.changes.get());
    }
    SharePolicy policy =
        new SharePolicy(false, java.time.Duration.ZERO, false, false, true, true, 10);
    try (FuseDriver guest = new FuseDriver(new VirtioFs("t", tree, policy)).mounted()) {
      guest.request(FuseDriver.MKNOD, ROOT, mknod);
      assertEquals(1, tree.changes.get());
    }
  }

  /** Everything is the owner's; nothing is half made for others. */
  @Test
  void onlyTheOwnerMakesFiles() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      FuseDriver guest = share.guest;
      guest.uid = 65534;
      guest.create(ROOT, "f", 2, 0644).fails(Errno.EPERM);
      guest.mkdir(ROOT, "d").fails(Errno.EPERM);
      try (var list = Files.list(share.root)) {
        assertEquals(0, list.count());
      }
      guest.uid = 0;
      final long file = guest.create(ROOT, "f", 2, 0644).ok().u64(0);
      Body toSelf = FuseDriver.setattrBody(2 | 4, 0, 0, 0, 0, 0, 0);
      guest.request(FuseDriver.SETATTR, file, toSelf).ok();
      Body toOther = FuseDriver.setattrBody(2 | 4 | 1, 0, 0, 0600, 0, 0, 1000);
      guest.request(FuseDriver.SETATTR, file, toOther).fails(Errno.EPERM);
      assertEquals(0644, guest.getattr(file).ok().u32(16 + 60) & 0777, "half of it was done");
    }
  }
}
