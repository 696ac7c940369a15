// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** TREADDIR. */
class DirectoriesTest {
  private static final int ROOT = P9Driver.ROOT;

  @TempDir private Path temporary;

  /** One entry of a reply. */
  record Entry(int qidType, long inode, long offset, int type, String name) {}

  /** All entries of a reply, which must be whole. */
  static List<Entry> entries(Answer answer) {
    List<Entry> entries = new ArrayList<>();
    int end = 4 + answer.ok().u32(0);
    assertEquals(answer.payload().length, end);
    int at = 4;
    while (at < end) {
      int length = answer.u16(at + 22);
      assertTrue(length > 0 && at + 24 + length <= end, "an entry of " + length);
      String name = new String(answer.payload(), at + 24, length, StandardCharsets.UTF_8);
      entries.add(
          new Entry(
              answer.u8(at), answer.u64(at + 5), answer.u64(at + 13), answer.u8(at + 21), name));
      at += 24 + length;
    }
    return entries;
  }

  @ParameterizedTest
  @EnumSource
  void allNamesComeOnceInPiecesOfAnySize(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      for (int i = 0; i < 100; i++) {
        share.file("file-" + i, "");
      }
      Files.createDirectory(share.root.resolve("directory"));
      guest.walk(ROOT, 1).ok();
      guest.lopen(1, 0200000).ok();
      for (int size : new int[] {40, 41, 100, 1000, 100_000}) {
        List<String> names = new ArrayList<>();
        long offset = 0;
        while (true) {
          List<Entry> some = entries(guest.readdir(1, offset, size));
          if (some.isEmpty()) {
            break;
          }
          for (Entry entry : some) {
            names.add(entry.name());
            offset = entry.offset();
            boolean directory = entry.name().equals("directory");
            assertEquals(directory ? 0x80 : 0, entry.name().startsWith(".") ? 0 : entry.qidType());
            assertEquals(directory, entry.type() == 4 && !entry.name().startsWith("."));
          }
        }
        assertEquals(103, names.size());
        assertEquals(103, new HashSet<>(names).size());
      }
      Entry first = entries(guest.readdir(1, 0, 100_000)).get(5);
      guest.walk(ROOT, 2, first.name()).ok();
      assertEquals(guest.getattr(2).ok().u64(13), first.inode());
    }
  }

  @Test
  void argumentsAreChecked() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "");
      guest.readdir(ROOT, 0, 100).fails(Errno.EBADF);
      guest.readdir(99, 0, 100).fails(Errno.EBADF);
      guest.walk(ROOT, 1, "f").ok();
      guest.lopen(1, 0).ok();
      guest.readdir(1, 0, 100).fails(Errno.ENOTDIR);
      guest.walk(ROOT, 2).ok();
      guest.lopen(2, 0).ok();
      guest.readdir(2, 0, 24).fails(Errno.EINVAL); // an empty answer would be the end
      guest.readdir(2, 0, 0).fails(Errno.EINVAL);
      guest.readdir(2, 0, -1).fails(Errno.EINVAL);
      guest.readdir(2, 0, P9Driver.MSIZE).fails(Errno.EINVAL);
      Body more = new Body().u32(2).u64(0).u32(101);
      guest.request(MessageType.TREADDIR, more, 104).fails(Errno.EINVAL);
      for (long offset : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1000}) {
        guest.readdir(2, offset, 100).fails(Errno.EINVAL);
      }
      assertEquals(1, entries(guest.readdir(2, 0, 25)).size());
      guest.request(MessageType.TFSYNC, new Body().u32(2).u32(0)).ok(0);
      guest.write(2, 0, new byte[1]).fails(Errno.EBADF);
    }
  }

  @Test
  void anEmptyAndARemovedDirectoryAreRead() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.mkdir(ROOT, "d").ok();
      guest.walk(ROOT, 1, "d").ok();
      guest.lopen(1, 0).ok();
      List<Entry> dots = entries(guest.readdir(1, 0, 1000));
      assertEquals(2, dots.size());
      assertEquals(0x80, dots.get(0).qidType());
      guest.unlinkat(ROOT, "d", 0x200).ok();
      entries(guest.readdir(1, 0, 1000));
      guest.clunk(1).ok();
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }
}
