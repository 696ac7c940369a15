// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Extended attributes. */
class XattrsTest {
  private static final int ROOT = P9Driver.ROOT;
  private static final int CREATE = 1;
  private static final int REPLACE = 2;

  @TempDir private Path temporary;

  private SharedDirectory share() throws Exception {
    SharedDirectory share = new SharedDirectory(Kind.HOST, temporary);
    share.file("f", "");
    boolean can = true;
    try {
      Files.setAttribute(share.root.resolve("f"), "user:probe", new byte[] {1});
    } catch (java.io.IOException e) {
      can = false;
      share.close();
    }
    assumeTrue(can, "no extended attributes in " + temporary);
    share.guest.walk(ROOT, 1, "f").ok();
    return share;
  }

  private static void set(P9Driver guest, String name, byte[] value, int flags) throws Exception {
    guest.walk(1, 2).ok();
    guest.xattrcreate(2, name, value.length, flags).ok(0);
    if (value.length > 0) {
      guest.write(2, 0, value).ok(4);
    }
  }

  private static String get(P9Driver guest, String name) throws Exception {
    int size = (int) guest.xattrwalk(1, 3, name).ok(8).u64(0);
    Answer read = guest.read(3, 0, size + 100).ok(4 + size);
    guest.clunk(3).ok();
    return read.text(4);
  }

  @Test
  void valuesAreSetAtTheClunkAndRead() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      guest.xattrwalk(1, 3, "user.a").fails(Errno.ENODATA);
      set(guest, "user.a", "value".getBytes(StandardCharsets.UTF_8), 0);
      guest.xattrwalk(1, 3, "user.a").fails(Errno.ENODATA);
      guest.clunk(2).ok(0);
      assertEquals("value", get(guest, "user.a"));
      set(guest, "user.a", new byte[1], CREATE);
      guest.clunk(2).fails(Errno.EEXIST);
      guest.clunk(2).fails(Errno.EBADF);
      set(guest, "user.b", new byte[1], REPLACE);
      guest.clunk(2).fails(Errno.ENODATA);
      assertEquals("user.a\0user.probe\0", sorted(get(guest, "")));
      set(guest, "user.empty", new byte[0], 0);
      guest.clunk(2).ok();
      assertEquals("", get(guest, "user.empty"));
      set(guest, "user.a", new byte[0], REPLACE); // which is how Linux removes one
      guest.clunk(2).ok();
      guest.xattrwalk(1, 3, "user.a").fails(Errno.ENODATA);
      assertEquals(2, share.knownNodes.getAsInt());
    }
  }

  private static String sorted(String names) {
    String[] all = names.split("\0");
    java.util.Arrays.sort(all);
    return String.join("\0", all) + "\0";
  }

  @Test
  void valuesComeInPiecesInTheirOrder() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      guest.walk(1, 2).ok();
      guest.xattrcreate(2, "user.a", 6, 0).ok();
      guest.write(2, 0, "abc".getBytes(StandardCharsets.UTF_8)).ok();
      guest.write(2, 0, "abc".getBytes(StandardCharsets.UTF_8)).fails(Errno.EINVAL);
      guest.write(2, 4, "c".getBytes(StandardCharsets.UTF_8)).fails(Errno.EINVAL);
      guest.write(2, 3, "defg".getBytes(StandardCharsets.UTF_8)).fails(Errno.ENOSPC);
      guest.read(2, 0, 10).fails(Errno.EBADF);
      guest.write(2, 3, "def".getBytes(StandardCharsets.UTF_8)).ok();
      guest.clunk(2).ok();
      guest.xattrwalk(1, 3, "user.a").ok();
      assertEquals("cd", guest.read(3, 2, 2).ok().text(4));
      assertEquals("ef", guest.read(3, 4, 100).ok().text(4));
      guest.read(3, 6, 100).ok(4);
      guest.read(3, Long.MAX_VALUE - 100, 100).ok(4);
      guest.write(3, 0, new byte[1]).fails(Errno.EBADF);
      guest.clunk(3).ok();

      guest.walk(1, 2).ok();
      guest.xattrcreate(2, "user.b", 6, 0).ok();
      guest.write(2, 0, "abc".getBytes(StandardCharsets.UTF_8)).ok();
      guest.clunk(2).fails(Errno.EINVAL); // a part is missing
      guest.xattrwalk(1, 3, "user.b").fails(Errno.ENODATA);
    }
  }

  @Test
  void argumentsAreChecked() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      guest.xattrwalk(99, 3, "user.a").fails(Errno.EBADF);
      guest.xattrwalk(1, 1, "user.probe").fails(Errno.EEXIST);
      guest.xattrwalk(1, -1, "user.probe").fails(Errno.EINVAL);
      guest.xattrwalk(1, 3, "user." + "x".repeat(251)).fails(Errno.ENAMETOOLONG);
      guest.xattrwalk(1, 3, "user.a\0b").fails(Errno.EINVAL);
      for (String name : new String[] {"trusted.a", "system.posix_acl_access", "x", "user"}) {
        guest.xattrwalk(1, 3, name).fails(Errno.EOPNOTSUPP);
        guest.xattrcreate(1, name, 1, 0).fails(Errno.EOPNOTSUPP);
      }
      guest.xattrcreate(1, "security.capability", 1, 0).fails(Errno.EOPNOTSUPP);
      guest.xattrcreate(99, "user.a", 1, 0).fails(Errno.EBADF);
      guest.xattrcreate(1, "", 1, 0).fails(Errno.EINVAL);
      guest.xattrcreate(1, "user.a", 1, 3).fails(Errno.EINVAL);
      guest.xattrcreate(1, "user.a", 65_537, 0).fails(Errno.E2BIG);
      guest.xattrcreate(1, "user.a", -1, 0).fails(Errno.E2BIG);
      guest.xattrwalk(1, 3, "user.probe").ok();
      guest.getattr(3).fails(Errno.EBADF); // it is no file
      guest.walk(3, 4).fails(Errno.EBADF);
      guest.lopen(3, 0).fails(Errno.EBADF);
      guest.xattrwalk(3, 4, "user.probe").fails(Errno.EBADF);
      guest.xattrcreate(3, "user.probe", 1, 0).fails(Errno.EBADF);
      guest.of(io.jkvm.devices.virtio.p9.message.MessageType.TREMOVE, 3).fails(Errno.EBADF);
      guest.clunk(3).fails(Errno.EBADF);
      guest.lopen(1, 0).ok();
      guest.xattrcreate(1, "user.a", 1, 0).fails(Errno.EINVAL);
      assertArrayEquals(
          new byte[] {1}, (byte[]) Files.getAttribute(share.root.resolve("f"), "user:probe"));
    }
  }

  @Test
  void theyAreBounded() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      for (int i = 0; i < 32; i++) {
        guest.xattrwalk(1, 10 + i, "user.probe").ok();
      }
      guest.xattrwalk(1, 5, "user.probe").fails(Errno.EMFILE);
      guest.walk(1, 5).ok();
      guest.xattrcreate(5, "user.a", 1, 0).fails(Errno.EMFILE);
      guest.clunk(10).ok();
      guest.xattrcreate(5, "user.a", 1, 0).ok();
    }
  }

  @Test
  void aPolicyCanHaveNone() throws Exception {
    SharePolicy policy = new SharePolicy(false, Duration.ZERO, false, false, false, false, 9);
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary, policy)) {
      share.guest.xattrwalk(ROOT, 1, "user.a").fails(Errno.EOPNOTSUPP);
      share.guest.xattrwalk(ROOT, 1, "").fails(Errno.EOPNOTSUPP);
      share.guest.xattrcreate(ROOT, "user.a", 1, 0).fails(Errno.EOPNOTSUPP);
    }
  }
}
