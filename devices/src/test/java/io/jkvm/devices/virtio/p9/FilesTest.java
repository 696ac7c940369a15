// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files that are opened, read and written. */
class FilesTest {
  private static final int ROOT = P9Driver.ROOT;
  private static final int O_DIRECTORY = 0200000;

  @TempDir private Path temporary;

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private static byte[] data(Answer read) {
    return Arrays.copyOfRange(read.ok().payload(), 4, read.payload().length);
  }

  @ParameterizedTest
  @EnumSource
  void whatIsWrittenIsRead(Kind kind) throws Exception {
    byte[] data = random(300_000);
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      Answer made = guest.create(1, "f").ok(17);
      assertEquals(guest.getattr(1).ok().u64(13), made.u64(5), "inode");
      assertEquals(0, made.u32(13), "iounit");
      assertEquals(300_000, guest.write(1, 0, data).ok(4).u32(0));
      Answer read = guest.read(1, 0, 300_000).ok();
      assertEquals(300_000, read.u32(0));
      assertArrayEquals(data, data(read));
      assertArrayEquals(
          Arrays.copyOfRange(data, 299_000, 300_000), data(guest.read(1, 299_000, 5000)));
      assertEquals(0, guest.read(1, 300_000, 5000).ok(4).u32(0));
      assertEquals(0, guest.read(1, 1L << 40, 5000).ok(4).u32(0));
      assertEquals(0, guest.read(1, 0, 0).ok(4).u32(0));
      assertEquals(0, guest.write(1, 7, new byte[0]).ok(4).u32(0));
      guest.request(MessageType.TFSYNC, new Body().u32(1).u32(0)).ok(0);
      guest.request(MessageType.TFSYNC, new Body().u32(1).u32(1)).ok(0);
      guest.clunk(1).ok();
      assertEquals(0, guest.device.openFiles());
      assertArrayEquals(data, Files.readAllBytes(share.root.resolve("f")));
    }
  }

  @Test
  void lengthsAndOffsetsThatCanNotBeAreEinval() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.create(1, "f").ok();
      byte[] data = random(100);
      guest.write(1, 0, data).ok();
      guest.write(1, 0, data, 101).fails(Errno.EINVAL);
      guest.write(1, 0, data, -1).fails(Errno.EINVAL);
      guest.write(1, 0, data, Integer.MIN_VALUE).fails(Errno.EINVAL);
      assertEquals(50, guest.write(1, 0, data, 50).ok().u32(0), "more is there than is said");
      for (long offset : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 99}) {
        guest.write(1, offset, data).fails(Errno.EINVAL);
        guest.read(1, offset, 100).fails(Errno.EINVAL);
      }
      guest.read(1, 0, 100, 103).fails(Errno.EINVAL);
      guest.read(1, 0, 100, 104).ok(104);
      guest.read(1, 0, -1, 4096).fails(Errno.EINVAL);
      guest.read(1, 0, Integer.MAX_VALUE, 4096).fails(Errno.EINVAL);
      guest.read(1, 0, P9Driver.MSIZE - 11, P9Driver.MSIZE).ok(104);
      guest.read(1, 0, P9Driver.MSIZE - 10, P9Driver.MSIZE).fails(Errno.EINVAL);
    }
  }

  @ParameterizedTest
  @EnumSource
  void fidsThatAreNotOpenAreEbadf(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "text");
      guest.walk(ROOT, 1, "f").ok();
      guest.read(1, 0, 10).fails(Errno.EBADF);
      guest.write(1, 0, new byte[1]).fails(Errno.EBADF);
      guest.read(99, 0, 10).fails(Errno.EBADF);
      guest.write(99, 0, new byte[1]).fails(Errno.EBADF);
      guest.read(ROOT, 0, 10).fails(Errno.EISDIR);
      guest.request(MessageType.TFSYNC, new Body().u32(1).u32(0)).fails(Errno.EBADF);
      guest.request(MessageType.TFSYNC, new Body().u32(99).u32(0)).fails(Errno.EBADF);
      guest.lopen(99, 0).fails(Errno.EBADF);
      guest.lopen(1, 3).fails(Errno.EINVAL);
      guest.lopen(1, O_DIRECTORY).fails(Errno.ENOTDIR);
      guest.lopen(1, 0).ok(17);
      guest.lopen(1, 0).fails(Errno.EINVAL);
      guest.write(1, 0, new byte[1]).fails(Errno.EBADF);
      assertEquals("text", guest.read(1, 0, 10).ok().text(4));
      guest.walk(ROOT, 2, "f").ok();
      guest.lopen(2, 1).ok();
      guest.read(2, 0, 10).fails(Errno.EBADF);
      guest.walk(ROOT, 3).ok();
      guest.lopen(3, 1).fails(Errno.EISDIR);
      guest.lopen(3, 01000).fails(Errno.EISDIR);
      guest.lopen(3, O_DIRECTORY | 0100000 | 0400000).ok(17);
      guest.read(3, 0, 10).fails(Errno.EISDIR);
    }
  }

  @ParameterizedTest
  @EnumSource
  void flagsOfOpenAndCreate(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "text");
      guest.walk(ROOT, 1, "f").ok();
      guest.lopen(1, 02 | 02000).ok(); // O_APPEND is the guest's kernel's
      guest.write(1, 0, new byte[] {'T'}).ok();
      guest.clunk(1).ok();
      assertEquals("Text", Files.readString(share.root.resolve("f")));
      guest.walk(ROOT, 1, "f").ok();
      guest.lopen(1, 01 | 01000).ok();
      guest.clunk(1).ok();
      assertEquals("", Files.readString(share.root.resolve("f")));
      guest.walk(ROOT, 1).ok();
      guest.lcreate(1, "f", 02 | 0200, 0644).fails(Errno.EEXIST);
      guest.lcreate(1, "f", 03, 0644).fails(Errno.EINVAL);
      guest.lcreate(1, "g", 02, 0040644).fails(Errno.EINVAL);
      guest.lcreate(1, "g", 02, 0120644).fails(Errno.EINVAL);
      guest.lcreate(99, "g", 02, 0644).fails(Errno.EBADF);
      guest.lcreate(1, "f", 02 | 04000000, 0644).ok(17);
      guest.lcreate(1, "g", 02, 0644).fails(Errno.EINVAL);
      guest.walk(ROOT, 2, "f").ok();
      guest.lcreate(2, "g", 02, 0644).fails(Errno.ENOTDIR);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anUnlinkedFileIsStillThere(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      guest.create(1, "f").ok();
      guest.write(1, 0, random(100)).ok();
      guest.unlinkat(ROOT, "f", 0).ok();
      assertEquals(100, guest.read(1, 0, 200).ok().u32(0));
      guest.write(1, 100, random(100)).ok();
      assertEquals(200, guest.getattr(1).ok().u64(49));
      guest.walk(ROOT, 2, "f").fails(Errno.ENOENT);
      guest.clunk(1).ok();
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }

  @Test
  void openFilesAreBounded() throws Exception {
    SharePolicy policy = new SharePolicy(false, Duration.ZERO, false, false, true, false, 3);
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary, policy)) {
      P9Driver guest = share.guest;
      guest.create(1, "a").ok();
      guest.create(2, "b").ok();
      guest.walk(ROOT, 3).ok();
      guest.lopen(3, 0).ok();
      guest.create(4, "c").fails(Errno.EMFILE);
      assertEquals(false, Files.exists(share.root.resolve("c")));
      guest.lopen(4, 0).fails(Errno.EMFILE);
      guest.clunk(1).ok();
      for (int i = 0; i < 10; i++) {
        guest.lopen(4, 1).fails(Errno.EISDIR); // takes no place
      }
      guest.lopen(4, 0).ok();
      assertEquals(3, guest.device.openFiles());
    }
  }
}
