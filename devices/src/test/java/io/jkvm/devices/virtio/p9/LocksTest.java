// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLOCK and TGETLOCK. */
class LocksTest {
  private static final int ROOT = P9Driver.ROOT;
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int UNLOCK = 2;
  private static final int SUCCESS = 0;
  private static final int BLOCKED = 1;
  private static final int ERROR = 2;

  @TempDir private Path temporary;

  private SharedDirectory share() throws Exception {
    SharedDirectory share = new SharedDirectory(Kind.HOST, temporary);
    share.guest.create(1, "f").ok();
    share.guest.walk(ROOT, 2, "f").ok();
    share.guest.lopen(2, 2).ok();
    share.guest.create(3, "other").ok();
    return share;
  }

  private static void assertLock(
      int status, P9Driver guest, int fid, int type, long start, long length, int process)
      throws Exception {
    assertEquals(status, guest.lock(fid, type, start, length, process).ok(1).u8(0));
  }

  @Test
  void locksExcludeOtherProcessesInTheSameRangeOfTheSameFile() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      assertLock(SUCCESS, guest, 1, WRITE, 10, 10, 100);
      assertLock(SUCCESS, guest, 1, WRITE, 12, 2, 100);
      assertLock(BLOCKED, guest, 2, READ, 0, 0, 200);
      assertLock(BLOCKED, guest, 2, READ, 19, 1, 200);
      assertLock(SUCCESS, guest, 2, READ, 20, 0, 200);
      assertLock(SUCCESS, guest, 2, READ, 0, 10, 200);
      assertLock(SUCCESS, guest, 1, READ, 0, 10, 100);
      assertLock(BLOCKED, guest, 1, WRITE, 0, 10, 100);
      assertLock(SUCCESS, guest, 3, WRITE, 0, 0, 200);
      assertLock(SUCCESS, guest, 1, UNLOCK, 13, 2, 100);
      assertLock(SUCCESS, guest, 2, WRITE, 13, 2, 200);
      assertLock(BLOCKED, guest, 2, WRITE, 12, 1, 200);
      assertLock(BLOCKED, guest, 2, WRITE, 15, 1, 200);
      assertLock(SUCCESS, guest, 1, UNLOCK, 0, 0, 100);
      assertLock(SUCCESS, guest, 2, WRITE, 0, 0, 200);
      Body otherClient = new Body().u32(1).u8(READ).u32(0).u64(0).u64(0).u32(200).string("another");
      assertEquals(BLOCKED, guest.request(MessageType.TLOCK, otherClient).ok().u8(0));
    }
  }

  @Test
  void getlockTellsWhatIsInTheWay() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      Answer none = guest.getlock(1, WRITE, 5, 7, 300).ok(26 + 2);
      assertEquals(UNLOCK, none.u8(0));
      assertEquals(5, none.u64(1));
      assertEquals(7, none.u64(9));
      assertEquals(300, none.u32(17));
      assertEquals("guest", none.text(23));
      assertLock(SUCCESS, guest, 1, READ, 10, 0, 100);
      assertEquals(UNLOCK, guest.getlock(2, READ, 0, 0, 300).ok().u8(0));
      assertEquals(UNLOCK, guest.getlock(2, WRITE, 0, 0, 100).ok().u8(0));
      Answer found = guest.getlock(2, WRITE, 0, 0, 300).ok();
      assertEquals(READ, found.u8(0));
      assertEquals(10, found.u64(1));
      assertEquals(0, found.u64(9), "no end");
      assertEquals(100, found.u32(17));
      guest
          .request(
              MessageType.TGETLOCK,
              new Body().u32(2).u8(WRITE).u64(0).u64(0).u32(300).string("guest"),
              27)
          .fails(Errno.EINVAL);
    }
  }

  @Test
  void locksEndWithTheFidThatTookThem() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      assertLock(SUCCESS, guest, 1, WRITE, 0, 0, 100);
      assertLock(BLOCKED, guest, 2, WRITE, 0, 0, 200);
      guest.clunk(1).ok();
      assertLock(SUCCESS, guest, 2, WRITE, 0, 0, 200);
    }
  }

  @Test
  void argumentsAreChecked() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      guest.walk(ROOT, 4, "f").ok();
      guest.lock(4, WRITE, 0, 0, 1).fails(Errno.EBADF);
      guest.lock(99, WRITE, 0, 0, 1).fails(Errno.EBADF);
      guest.getlock(4, WRITE, 0, 0, 1).fails(Errno.EBADF);
      guest.getlock(99, WRITE, 0, 0, 1).fails(Errno.EBADF);
      for (int type : new int[] {3, 4, 128, 255}) {
        guest.lock(1, type, 0, 0, 1).fails(Errno.EINVAL);
        guest.getlock(1, type, 0, 0, 1).fails(Errno.EINVAL);
      }
      guest.getlock(1, UNLOCK, 0, 0, 1).fails(Errno.EINVAL);
      for (long bad : new long[] {-1, Long.MIN_VALUE}) {
        guest.lock(1, WRITE, bad, 0, 1).fails(Errno.EINVAL);
        guest.lock(1, WRITE, 0, bad, 1).fails(Errno.EINVAL);
      }
      guest.lock(1, WRITE, Long.MAX_VALUE, 2, 1).fails(Errno.EINVAL);
      guest.lock(1, WRITE, 2, Long.MAX_VALUE, 1).fails(Errno.EINVAL);
      guest.lock(1, WRITE, 1, Long.MAX_VALUE, 1).ok(1);
      guest.lock(1, WRITE, Long.MAX_VALUE, 1, 1).ok(1);
      Body flags = new Body().u32(1).u8(WRITE).u32(4).u64(0).u64(0).u32(1).string("c");
      guest.request(MessageType.TLOCK, flags).fails(Errno.EINVAL);
      Body name = new Body().u32(1).u8(WRITE).u32(0).u64(0).u64(0).u32(1).string("c".repeat(256));
      guest.request(MessageType.TLOCK, name).fails(Errno.EINVAL);
    }
  }

  @Test
  void locksAreBounded() throws Exception {
    try (SharedDirectory share = share()) {
      P9Driver guest = share.guest;
      int granted = 0;
      while (guest.lock(1, WRITE, 2L * granted, 1, 1).ok().u8(0) == SUCCESS) {
        granted++;
      }
      assertEquals(4095, granted);
      assertLock(ERROR, guest, 1, WRITE, 100_000, 1, 1);
      assertLock(SUCCESS, guest, 1, UNLOCK, 0, 1, 1);
      assertLock(SUCCESS, guest, 1, WRITE, 100_000, 1, 1);
      // One that covers all others is one lock.
      assertLock(SUCCESS, guest, 1, UNLOCK, 0, 3, 1);
      assertLock(SUCCESS, guest, 1, WRITE, 0, 0, 1);
      for (int i = 1; i < 4096; i++) {
        assertLock(SUCCESS, guest, 1, UNLOCK, 2L * i, 1, 1);
      }
      assertLock(ERROR, guest, 1, UNLOCK, 100_000, 1, 1);
      assertLock(SUCCESS, guest, 1, UNLOCK, 0, 0, 1);
    }
  }
}
