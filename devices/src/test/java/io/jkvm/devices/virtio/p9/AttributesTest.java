// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** TGETATTR and TSETATTR. */
class AttributesTest {
  private static final int ROOT = P9Driver.ROOT;
  private static final int MODE = 1;
  private static final int SIZE = 8;
  private static final int TIMES = 16 | 32;
  private static final int TIMES_SET = 128 | 256;

  // Where RGETATTR has what.
  private static final int MODE_AT = 21;
  private static final int SIZE_AT = 49;
  private static final int MTIME_AT = 89;

  @TempDir private Path temporary;

  @Test
  void attributesAreThoseOfTheFile() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      Path file = share.file("f", "12345");
      Files.setAttribute(file, "unix:mode", 0640);
      Files.setLastModifiedTime(file, FileTime.from(Instant.ofEpochSecond(1, 123_456_789)));
      share.guest.walk(ROOT, 1, "f").ok();
      Answer answer = share.guest.getattr(1).ok(153);
      assertEquals(0x7ff, answer.u64(0), "valid: all basic ones, no others");
      assertEquals(0, answer.u8(8), "type of a file");
      assertEquals(0, answer.u32(9), "version");
      assertEquals(0x8000 | 0640, answer.u32(MODE_AT));
      assertEquals(0, answer.u32(25), "uid");
      assertEquals(0, answer.u32(29), "gid");
      assertEquals(1, answer.u64(33), "nlink");
      assertEquals(0, answer.u64(41), "rdev");
      assertEquals(5, answer.u64(SIZE_AT));
      assertEquals(4096, answer.u64(57), "blksize");
      assertEquals(1, answer.u64(65), "blocks");
      assertEquals(1, answer.u64(MTIME_AT));
      assertEquals(123_456_789, answer.u64(MTIME_AT + 8));
      for (int at = 121; at < 153; at += 8) {
        assertEquals(0, answer.u64(at), "not told");
      }
      assertEquals(0x4000, share.guest.getattr(ROOT).ok().u32(MODE_AT) & 0xf000);
      share.guest.getattr(12345).fails(Errno.EBADF);
      share.guest.getattr(P9Driver.NO_FID).fails(Errno.EBADF);
    }
  }

  @ParameterizedTest
  @EnumSource
  void timesAndSizesChange(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "12345");
      guest.walk(ROOT, 1, "f").ok();
      guest.setattr(1, TIMES | TIMES_SET, 0, 0, 1_000_000_001L, 123_456_789).ok(0);
      assertEquals(1_000_000_001L, guest.getattr(1).ok().u64(MTIME_AT));
      if (kind == Kind.HOST) {
        assertEquals(123_456_789, guest.getattr(1).ok().u64(MTIME_AT + 8));
      }
      // Without SET the host's clock counts, whatever stands there.
      guest.setattr(1, TIMES, 0, 0, 5, -1).ok(0);
      assertTrue(guest.getattr(1).ok().u64(MTIME_AT) > 1_600_000_000L, "now");
      for (long nanos : new long[] {1_000_000_000, -1, Long.MIN_VALUE, 1L << 32, 0x1_0000_0005L}) {
        guest.setattr(1, 16 | 128, 0, 0, 5, nanos).fails(Errno.EINVAL);
        guest.setattr(1, 32 | 256, 0, 0, 5, nanos).fails(Errno.EINVAL);
      }
      guest.setattr(1, SIZE, 0, 3, 0, 0).ok(0);
      assertEquals("123", Files.readString(share.root.resolve("f")));
      guest.setattr(1, SIZE, 0, 6, 0, 0).ok(0);
      assertEquals(6, guest.getattr(1).ok().u64(SIZE_AT));
      guest.setattr(1, SIZE, 0, -1, 0, 0).fails(Errno.EINVAL);
      guest.setattr(1, SIZE, 0, Long.MIN_VALUE, 0, 0).fails(Errno.EINVAL);
      guest.setattr(ROOT, SIZE, 0, 0, 0, 0).fails(Errno.EISDIR);
      // SET alone changes nothing, nor does the time of the change; other bits are not known.
      guest.setattr(1, TIMES_SET | 64 | 0xffff_fe00, 0, -1, 1, -1).ok(0);
      assertEquals(6, guest.getattr(1).ok().u64(SIZE_AT));
      guest.setattr(99, MODE, 0600, 0, 0, 0).fails(Errno.EBADF);
    }
  }

  @Test
  void modesChangeAndOwnersDont() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      share.file("f", "12345");
      guest.walk(ROOT, 1, "f").ok();
      guest.setattr(1, MODE, 0x8000 | 0640, 0, 0, 0).ok();
      assertEquals(0x8000 | 0640, guest.getattr(1).ok().u32(MODE_AT));
      guest.setattr(1, 2 | 4, 0, 0, 0, 0).ok();
      guest
          .request(
              io.jkvm.devices.virtio.p9.message.MessageType.TSETATTR,
              new Body().u32(1).u32(2).u32(0).u32(5).u32(5).raw(new byte[40]))
          .fails(Errno.EPERM);
    }
  }

  /** By the open file, also when it has no name any more. */
  @Test
  void anOpenFileIsChangedWithoutAName() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.create(1, "f").ok();
      guest.write(1, 0, new byte[10]).ok();
      guest.unlinkat(ROOT, "f", 0).ok();
      guest.setattr(1, SIZE, 0, 4, 0, 0).ok();
      assertEquals(4, guest.getattr(1).ok().u64(SIZE_AT));
      assertEquals(4, guest.read(1, 0, 100).ok().u32(0));
    }
  }
}
