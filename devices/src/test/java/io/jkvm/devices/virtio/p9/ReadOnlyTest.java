// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a guest can't change, whatever it tries. */
class ReadOnlyTest {
  private static final int ROOT = P9Driver.ROOT;

  @TempDir private Path temporary;

  @ParameterizedTest
  @EnumSource
  void everyChangeIsErofs(Kind kind) throws Exception {
    try (SharedDirectory share =
        new SharedDirectory(kind, temporary, SharePolicy.readOnlyCached())) {
      P9Driver guest = share.guest;
      Path file = share.file("f", "text");
      Files.createDirectory(share.root.resolve("d"));
      final FileTime time = Files.getLastModifiedTime(file);
      guest.walk(ROOT, 1, "f").ok();
      guest.walk(ROOT, 2, "f").ok();
      guest.walk(ROOT, 3, "d").ok();
      for (int flags : new int[] {1, 2, 01000, 01001}) {
        guest.lopen(2, flags).fails(Errno.EROFS);
      }
      guest.lopen(3, 1).fails(Errno.EROFS);
      guest.lopen(1, 0).ok();
      guest.write(1, 0, new byte[10]).fails(Errno.EROFS);
      guest.lcreate(3, "new", 0, 0644).fails(Errno.EROFS);
      for (int valid : new int[] {0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 16 | 128}) {
        guest.setattr(1, valid, 0600, 0, 0, 0).fails(Errno.EROFS);
      }
      guest.mkdir(ROOT, "new").fails(Errno.EROFS);
      guest.renameat(ROOT, "f", ROOT, "new").fails(Errno.EROFS);
      guest.rename(2, ROOT, "new").fails(Errno.EROFS);
      guest.unlinkat(ROOT, "f", 0).fails(Errno.EROFS);
      guest.unlinkat(ROOT, "d", 0x200).fails(Errno.EROFS);
      guest.xattrcreate(2, "user.a", 1, 0).fails(Errno.EROFS);
      guest.of(MessageType.TREMOVE, 2).fails(Errno.EROFS);
      guest.getattr(2).fails(Errno.EBADF); // the fid is gone all the same
      assertEquals("text", guest.read(1, 0, 100).ok().text(4));
      assertEquals(0, guest.lock(1, 0, 0, 0, 1).ok().u8(0));
      guest.request(MessageType.TFSYNC, new Body().u32(1).u32(0)).ok();
      assertEquals("text", Files.readString(file));
      assertEquals(time, Files.getLastModifiedTime(file));
      try (var list = Files.list(share.root)) {
        assertEquals(2, list.count());
      }
    }
  }

  /** Where fsync(2) would be EINVAL, as for all files of /proc. */
  @Test
  void nothingOfTheHostsIsSynchronized() throws Exception {
    FileTree tree = new JavaTree("t", Path.of("/proc/sys/kernel"));
    Virtio9p device = new Virtio9p("t", tree, SharePolicy.readOnlyFresh());
    try (P9Driver guest = new P9Driver(device).mounted()) {
      guest.walk(ROOT, 1, "ostype").ok();
      guest.lopen(1, 0).ok();
      guest.request(MessageType.TFSYNC, new Body().u32(1).u32(0)).ok();
      guest.request(MessageType.TFSYNC, new Body().u32(2).u32(0)).fails(Errno.EBADF);
    }
  }

  /** Before the tree is asked. */
  @Test
  void theTreeHearsNothingOfIt() throws Exception {
    List<String> calls = new ArrayList<>();
    FileTree tree = WatchedTree.of(new JavaTree("t", temporary), calls::add);
    Virtio9p device = new Virtio9p("t", tree, SharePolicy.readOnlyFresh());
    try (P9Driver guest = new P9Driver(device).mounted()) {
      guest.mkdir(ROOT, "x").fails(Errno.EROFS);
      calls.clear();
      int refused = 0;
      for (MessageType type : MessageType.values()) {
        if (type.changes()) {
          guest.request(type, new Body().raw(new byte[type.bodyBytes()])).fails(Errno.EROFS);
          refused++;
        }
      }
      guest.of(MessageType.TREMOVE, ROOT).fails(Errno.EROFS);
      assertEquals(11, refused);
      assertEquals(List.of(), calls);
    }
  }
}
