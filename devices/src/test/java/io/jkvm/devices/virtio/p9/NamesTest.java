// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Names that are made, linked, renamed and removed. */
class NamesTest {
  private static final int ROOT = P9Driver.ROOT;
  private static final String LONG = "x".repeat(256);
  private static final List<String> BAD = List.of("", ".", "..", "a/b", "/", "a\0b");

  @TempDir private Path temporary;

  private static Body mknod(String name, int mode, int major, int minor) {
    return new Body().u32(ROOT).string(name).u32(mode).u32(major).u32(minor).u32(0);
  }

  private static Body symlink(String name, String target) {
    return new Body().u32(ROOT).string(name).string(target).u32(0);
  }

  private static Body link(int directory, int fid, String name) {
    return new Body().u32(directory).u32(fid).string(name);
  }

  @ParameterizedTest
  @EnumSource
  void directoriesAndFilesAreMadeAndRemoved(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      assertEquals(0x80, guest.mkdir(ROOT, "d").ok(13).u8(0));
      guest.mkdir(ROOT, "d").fails(Errno.EEXIST);
      guest.mkdir(99, "e").fails(Errno.EBADF);
      assertEquals(0, guest.request(MessageType.TMKNOD, mknod("n", 0100644, 0, 0)).ok(13).u8(0));
      guest.request(MessageType.TMKNOD, mknod("m", 0644, 0, 0)).ok(13);
      assertTrue(Files.isRegularFile(share.root.resolve("m")));
      guest.unlinkat(ROOT, "d", 0).fails(Errno.EISDIR);
      guest.unlinkat(ROOT, "n", 0x200).fails(Errno.ENOTDIR);
      guest.unlinkat(ROOT, "n", 1).fails(Errno.EINVAL);
      guest.unlinkat(ROOT, "n", -1).fails(Errno.EINVAL);
      guest.unlinkat(99, "n", 0).fails(Errno.EBADF);
      guest.unlinkat(ROOT, "missing", 0).fails(Errno.ENOENT);
      guest.unlinkat(ROOT, "n", 0).ok(0);
      guest.unlinkat(ROOT, "d", 0x200).ok(0);
      assertFalse(Files.exists(share.root.resolve("d")));
      assertFalse(Files.exists(share.root.resolve("n")));
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }

  @Test
  void noNameLeadsOutOfItsDirectory() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "");
      guest.walk(ROOT, 1, "f").ok();
      List<String> names = new ArrayList<>(BAD);
      names.add(LONG);
      for (String name : names) {
        int error = name.equals(LONG) ? Errno.ENAMETOOLONG : Errno.EINVAL;
        guest.mkdir(ROOT, name).fails(error);
        guest.request(MessageType.TMKNOD, mknod(name, 0644, 0, 0)).fails(error);
        guest.request(MessageType.TSYMLINK, symlink(name, "t")).fails(error);
        guest.request(MessageType.TLINK, link(ROOT, 1, name)).fails(error);
        guest.rename(1, ROOT, name).fails(error);
        guest.renameat(ROOT, "f", ROOT, name).fails(error);
        guest.renameat(ROOT, name, ROOT, "g").fails(error);
        guest.unlinkat(ROOT, name, 0).fails(error);
        guest.walk(ROOT, 2).ok();
        guest.lcreate(2, name, 2, 0644).fails(error);
        guest.clunk(2).ok();
      }
      try (var list = Files.list(share.root)) {
        assertEquals(1, list.count());
      }
    }
  }

  @Test
  void linksHaveTheSameFileAndTargetsAreBytes() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "text");
      guest.walk(ROOT, 1, "f").ok();
      guest.request(MessageType.TLINK, link(ROOT, 1, "g")).ok(0);
      guest.request(MessageType.TLINK, link(ROOT, 1, "g")).fails(Errno.EEXIST);
      guest.request(MessageType.TLINK, link(ROOT, 99, "h")).fails(Errno.EBADF);
      guest.request(MessageType.TLINK, link(99, 1, "h")).fails(Errno.EBADF);
      guest.walk(ROOT, 2, "g").ok();
      assertEquals(guest.getattr(1).ok().u64(13), guest.getattr(2).ok().u64(13));
      assertEquals(2, guest.getattr(1).ok().u64(33), "nlink");

      String target = "../".repeat(100) + "etc/passwd";
      Answer made = guest.request(MessageType.TSYMLINK, symlink("s", target)).ok(13);
      assertEquals(2, made.u8(0), "a symbolic link");
      assertEquals(2, guest.walk(ROOT, 3, "s").ok().u8(2));
      Answer read = guest.of(MessageType.TREADLINK, 3).ok(2 + target.length());
      assertEquals(target.length(), read.u16(0));
      assertEquals(target, read.text(2));
      guest
          .request(MessageType.TREADLINK, new Body().u32(3), target.length())
          .fails(Errno.ENAMETOOLONG);
      guest.of(MessageType.TREADLINK, 1).fails(Errno.EINVAL);
      guest.of(MessageType.TREADLINK, 99).fails(Errno.EBADF);
      guest.walk(3, 4, "x").fails(Errno.ENOTDIR);
      guest.lopen(3, 0).fails(Errno.ELOOP);
      guest.request(MessageType.TSYMLINK, symlink("t", "")).fails(Errno.EINVAL);
      guest.request(MessageType.TSYMLINK, symlink("t", "a\0b")).fails(Errno.EINVAL);
      Body tooLong = symlink("t", "x".repeat(4096));
      guest.version(8192, "9P2000.L").ok();
      guest.attach(ROOT, 0).ok();
      guest.request(MessageType.TSYMLINK, tooLong).fails(Errno.ENAMETOOLONG);
      Body outside = new Body().u32(99).string("t").string("x").u32(0);
      guest.request(MessageType.TSYMLINK, outside).fails(Errno.EBADF);
    }
  }

  @ParameterizedTest
  @EnumSource
  void renamesByNameAndByFid(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "text");
      guest.mkdir(ROOT, "d").ok();
      guest.walk(ROOT, 1, "f").ok();
      guest.walk(ROOT, 2, "d").ok();
      guest.renameat(ROOT, "f", 2, "g").ok(0);
      assertEquals("text", Files.readString(share.root.resolve("d/g")));
      guest.rename(1, ROOT, "h").ok(0);
      assertEquals("text", Files.readString(share.root.resolve("h")));
      guest.rename(1, 2, "i").ok(0);
      assertTrue(Files.exists(share.root.resolve("d/i")));
      share.file("victim", "gone");
      guest.walk(ROOT, 3, "victim").ok();
      guest.rename(1, ROOT, "victim").ok(0);
      assertEquals("text", Files.readString(share.root.resolve("victim")));
      guest.rename(3, ROOT, "x").fails(Errno.ENOENT);
      guest.rename(99, ROOT, "x").fails(Errno.EBADF);
      guest.rename(1, 99, "x").fails(Errno.EBADF);
      guest.rename(ROOT, 2, "x").fails(Errno.EBUSY);
      guest.renameat(99, "victim", ROOT, "x").fails(Errno.EBADF);
      guest.renameat(ROOT, "victim", 99, "x").fails(Errno.EBADF);
      guest.renameat(ROOT, "missing", ROOT, "x").fails(Errno.ENOENT);
      guest.of(MessageType.TREMOVE, 1).ok();
      assertFalse(Files.exists(share.root.resolve("victim")));
    }
  }

  @Test
  void devicesAreThePolicysAndNumbersAreChecked() throws Exception {
    List<String> calls = new ArrayList<>();
    FileTree tree = WatchedTree.of(new JavaTree("t", temporary), calls::add);
    SharePolicy policy =
        new SharePolicy(
            false, Duration.ZERO, false, false, true, true, SharePolicy.DEFAULT_MAX_OPEN);
    try (P9Driver guest = new P9Driver(new Virtio9p("t", tree, policy)).mounted()) {
      guest.request(MessageType.TMKNOD, mknod("c", 0020644, 1 << 12, 0)).fails(Errno.EINVAL);
      guest.request(MessageType.TMKNOD, mknod("c", 0020644, 0, 1 << 20)).fails(Errno.EINVAL);
      guest.request(MessageType.TMKNOD, mknod("c", 0020644, -1, -1)).fails(Errno.EINVAL);
      assertFalse(calls.contains("makeNode"));
      guest.request(MessageType.TMKNOD, mknod("c", 0020644, 1, 3)).fails(Errno.EPERM);
      assertTrue(calls.contains("makeNode"), "which can make none");
    }
    calls.clear();
    SharePolicy none = SharePolicy.writable();
    tree = WatchedTree.of(new JavaTree("t", temporary), calls::add);
    try (P9Driver guest = new P9Driver(new Virtio9p("t", tree, none)).mounted()) {
      guest.request(MessageType.TMKNOD, mknod("c", 0020644, 1, 3)).fails(Errno.EPERM);
      guest.request(MessageType.TMKNOD, mknod("c", 0060644, 1, 3)).fails(Errno.EPERM);
      guest.request(MessageType.TMKNOD, mknod("c", 0040644, 1, 3)).fails(Errno.EINVAL);
      guest.request(MessageType.TMKNOD, mknod("c", 0120644, 1, 3)).fails(Errno.EINVAL);
      guest.request(MessageType.TMKNOD, mknod("c", 0170644, 1, 3)).fails(Errno.EINVAL);
      assertFalse(calls.contains("makeNode"));
    }
  }

  @Test
  void setIdBitsAreLeftOutButForADirectorysGroup() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.walk(ROOT, 1).ok();
      guest.lcreate(1, "f", 2, 0106755).ok();
      assertEquals(0755, guest.getattr(1).ok().u32(21) & 07777);
      guest.setattr(1, 1, 06711, 0, 0, 0).ok(0);
      assertEquals(0711, guest.getattr(1).ok().u32(21) & 07777);
      guest.setattr(1, 1, 0046711, 0, 0, 0).ok(0);
      assertEquals(0711, guest.getattr(1).ok().u32(21) & 07777);
      guest.request(MessageType.TMKNOD, mknod("n", 0106755, 0, 0)).ok();
      guest.walk(ROOT, 2, "n").ok();
      assertEquals(0755, guest.getattr(2).ok().u32(21) & 07777);
      guest.request(MessageType.TMKDIR, new Body().u32(ROOT).string("d").u32(06770).u32(0)).ok();
      guest.walk(ROOT, 3, "d").ok();
      assertEquals(02770, guest.getattr(3).ok().u32(21) & 07777);
    }
  }
}
