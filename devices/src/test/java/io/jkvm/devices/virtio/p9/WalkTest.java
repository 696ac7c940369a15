// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Fids: how they walk, and how they end. */
class WalkTest {
  private static final int ROOT = P9Driver.ROOT;

  @TempDir private Path temporary;

  private static long inode(Answer walked, int index) {
    return walked.u64(2 + 13 * index + 5);
  }

  @ParameterizedTest
  @EnumSource
  void walksGoDownAndUpAndStayAtTheRoot(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      Files.createDirectories(share.root.resolve("a/b"));
      Files.writeString(share.root.resolve("a/b/f"), "text");
      Answer down = guest.walk(ROOT, 1, "a", "b", "f").ok(2 + 3 * 13);
      assertEquals(3, down.u16(0));
      assertEquals(0x80, down.u8(2));
      assertEquals(0, down.u8(2 + 26), "a file");
      Answer up = guest.walk(ROOT, 2, "a", "b", "..", ".", "..", "..", "..", "a").ok(2 + 8 * 13);
      long root = guest.getattr(ROOT).ok().u64(13);
      assertEquals(inode(down, 0), inode(up, 2));
      assertEquals(inode(down, 0), inode(up, 3));
      assertEquals(root, inode(up, 4));
      assertEquals(root, inode(up, 5));
      assertEquals(root, inode(up, 6));
      assertEquals(inode(down, 0), inode(up, 7));
      Answer from = guest.walk(2, 3, "b", "f").ok();
      assertEquals(inode(down, 2), inode(from, 1));
      guest.walk(1, 4, "..").fails(Errno.ENOTDIR);
      guest.walk(1, 4, ".").fails(Errno.ENOTDIR);
      guest.walk(1, 4, "x").fails(Errno.ENOTDIR);
      for (int fid = 1; fid < 4; fid++) {
        guest.clunk(fid).ok(0);
      }
      guest.clunk(4).fails(Errno.EBADF);
      assertEquals(1, share.knownNodes.getAsInt(), "nodes are given back");
    }
  }

  @Test
  void aWalkThatEndsEarlyTellsHowFarItCame() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      Files.createDirectories(share.root.resolve("a/b"));
      guest.walk(ROOT, 1, "x").fails(Errno.ENOENT);
      assertEquals(2, guest.walk(ROOT, 1, "a", "b", "x", "y").ok(2 + 26).u16(0));
      guest.getattr(1).fails(Errno.EBADF);
      assertEquals(1, guest.walk(ROOT, 1, "a", "").ok().u16(0));
      assertEquals(1, guest.walk(ROOT, 1, "a", "b/c").ok().u16(0));
      guest.walk(ROOT, 1, "").fails(Errno.EINVAL);
      guest.walk(ROOT, 1, "a/b").fails(Errno.EINVAL);
      guest.walk(ROOT, 1, "a\0b").fails(Errno.EINVAL);
      guest.walk(ROOT, 1, "...").fails(Errno.ENOENT);
      guest.walk(ROOT, 1, "x".repeat(256)).fails(Errno.ENAMETOOLONG);
      String[] names = new String[16];
      Arrays.fill(names, ".");
      assertEquals(16, guest.walk(ROOT, 1, names).ok(2 + 16 * 13).u16(0));
      names = Arrays.copyOf(names, 17);
      names[16] = ".";
      guest.walk(ROOT, 2, names).fails(Errno.EINVAL);
      guest.clunk(1).ok();
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }

  @Test
  void aReplyThatDoesNotFitChangesNothing() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      Files.createDirectories(share.root.resolve("a"));
      Body body = new Body().u32(ROOT).u32(1).u16(2).string("a").string("..");
      for (int room = 4; room < 2 + 26; room++) {
        share.guest.request(MessageType.TWALK, body, room).fails(Errno.EINVAL);
      }
      share.guest.getattr(1).fails(Errno.EBADF);
      share.guest.request(MessageType.TWALK, body, 2 + 26).ok(2 + 26);
    }
  }

  @Test
  void fidsAreClonedAndMovedAndNotTakenTwice() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      Files.createDirectories(share.root.resolve("a"));
      share.file("a/f", "");
      guest.walk(ROOT, 1).ok(2);
      guest.walk(ROOT, 1).fails(Errno.EEXIST);
      guest.walk(99, 2).fails(Errno.EBADF);
      guest.walk(ROOT, P9Driver.NO_FID).fails(Errno.EINVAL);
      guest.walk(1, 1, "a").ok();
      guest.walk(1, 1, "f", "x").ok();
      assertTrue((guest.getattr(1).ok().u32(21) & 0x4000) != 0, "stays a directory");
      guest.walk(1, 1, "f").ok();
      assertEquals(0x8000, guest.getattr(1).ok().u32(21) & 0xf000);
      guest.walk(1, 1).ok(2);
      guest.lopen(1, 0).ok(17);
      guest.walk(1, 1).fails(Errno.EINVAL);
      guest.walk(1, 2).ok(2);
      guest.lopen(2, 0).ok();
      guest.clunk(1).ok();
      guest.clunk(1).fails(Errno.EBADF);
      guest.getattr(2).ok();
      guest.clunk(2).ok();
      assertEquals(1, share.knownNodes.getAsInt());
      assertEquals(0, guest.device.openFiles());
    }
  }

  /** A fid's place moves with what it is in. */
  @ParameterizedTest
  @EnumSource
  void parentsAreRightAfterRenames(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      Files.createDirectories(share.root.resolve("a/b/c"));
      Files.createDirectories(share.root.resolve("z"));
      guest.walk(ROOT, 1, "a", "b", "c").ok();
      guest.walk(ROOT, 2, "a").ok();
      guest.walk(ROOT, 3, "z").ok();
      if (guest.renameat(2, "b", 3, "moved").error() != 0) {
        return; // some file systems move no directories that have something in them
      }
      Answer up = guest.walk(1, 4, "..", "..").ok();
      assertEquals(guest.getattr(3).ok().u64(13), inode(up, 1));
      assertEquals(3, guest.walk(ROOT, 5, "z", "moved", "c", "x").ok(2 + 39).u16(0));
      guest.walk(2, 6, "b").fails(Errno.ENOENT);
    }
  }

  @Test
  void aRemovedDirectoryStillHasAParent() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      Files.createDirectories(share.root.resolve("a/b"));
      guest.walk(ROOT, 1, "a", "b").ok();
      guest.walk(ROOT, 2, "a").ok();
      guest.unlinkat(2, "b", 0x200).ok(0);
      Answer up = guest.walk(1, 3, "..").ok();
      assertEquals(guest.getattr(2).ok().u64(13), inode(up, 0));
      guest.mkdir(2, "b").ok();
      guest.of(MessageType.TREMOVE, 1).fails(Errno.ENOENT);
      guest.getattr(1).fails(Errno.EBADF);
      assertTrue(Files.exists(share.root.resolve("a/b")), "another one of its name");
    }
  }

  @ParameterizedTest
  @EnumSource
  void removeRemovesWhatTheFidIsAndEndsIt(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      Files.createDirectories(share.root.resolve("d/e"));
      share.file("f", "text");
      guest.walk(ROOT, 1, "f").ok();
      guest.of(MessageType.TREMOVE, 1).ok(0);
      assertFalse(Files.exists(share.root.resolve("f")));
      guest.of(MessageType.TREMOVE, 1).fails(Errno.EBADF);
      guest.walk(ROOT, 1, "d").ok();
      guest.of(MessageType.TREMOVE, 1).fails(Errno.ENOTEMPTY);
      guest.getattr(1).fails(Errno.EBADF);
      guest.walk(ROOT, 1, "d", "e").ok();
      guest.of(MessageType.TREMOVE, 1).ok(0);
      assertFalse(Files.exists(share.root.resolve("d/e")));
      guest.walk(ROOT, 1).ok();
      guest.of(MessageType.TREMOVE, 1).fails(Errno.EBUSY);
    }
  }

  /** The host put another file in its place. */
  @Test
  void removeDoesNotRemoveAnotherFile() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "one");
      guest.walk(ROOT, 1, "f").ok();
      share.file("g", "two");
      Files.move(
          share.root.resolve("g"),
          share.root.resolve("f"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      guest.walk(ROOT, 2).ok();
      guest.rename(1, ROOT, "h").fails(Errno.ENOENT);
      guest.of(MessageType.TREMOVE, 1).fails(Errno.ENOENT);
      assertEquals("two", Files.readString(share.root.resolve("f")));
    }
  }

  @Test
  void deepWalksAreGivenBackWithOneFid() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      Path deepest = share.root;
      for (int i = 0; i < 64; i++) {
        deepest = deepest.resolve("d");
      }
      Files.createDirectories(deepest);
      String[] names = Collections.nCopies(16, "d").toArray(String[]::new);
      guest.walk(ROOT, 1).ok();
      for (int i = 0; i < 4; i++) {
        guest.walk(1, 1, names).ok(2 + 16 * 13);
      }
      assertEquals(65, share.knownNodes.getAsInt());
      Arrays.fill(names, "..");
      for (int i = 0; i < 3; i++) {
        guest.walk(1, 1, names).ok();
      }
      assertEquals(17, share.knownNodes.getAsInt());
      guest.clunk(1).ok();
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }
}
