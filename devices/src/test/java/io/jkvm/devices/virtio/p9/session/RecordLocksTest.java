// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.files.FileMode;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Locks against a table that has each byte's. */
class RecordLocksTest {
  private static final int BYTES = 40;
  private static final int OWNERS = 3;

  private final Fid fid = new Fid(1, 0, new Place(5, 5, FileMode.REGULAR));

  /** For each owner and byte 0, 1 for a shared lock, 2 for an exclusive one. */
  private final int[][] expected = new int[OWNERS][BYTES];

  private RecordLock range(int owner, boolean exclusive, int start, int last) {
    return new RecordLock(fid, new LockOwner(owner, "c"), exclusive, start, last);
  }

  private boolean mayLock(int owner, boolean exclusive, int start, int last) {
    for (int other = 0; other < OWNERS; other++) {
      for (int at = start; at <= last && other != owner; at++) {
        if (expected[other][at] == 2 || exclusive && expected[other][at] == 1) {
          return false;
        }
      }
    }
    return true;
  }

  @Test
  void rangesAreCutAndJoinedAsThoseOfSingleBytes() {
    RecordLocks locks = new RecordLocks();
    Random random = new Random(1);
    int granted = 0;
    for (int i = 0; i < 50_000; i++) {
      int owner = random.nextInt(OWNERS);
      int start = random.nextInt(BYTES);
      int last = start + random.nextInt(Math.min(8, BYTES - start));
      int kind = random.nextInt(3);
      RecordLock lock = range(owner, kind == 2, start, last);
      if (kind == 0) {
        assertTrue(locks.unlock(lock));
      } else {
        boolean may = mayLock(owner, kind == 2, start, last);
        assertEquals(may, locks.conflict(lock) == null);
        if (!may) {
          continue;
        }
        assertTrue(locks.lock(lock));
        granted++;
      }
      for (int at = start; at <= last; at++) {
        expected[owner][at] = kind;
      }
      assertEquals(runs(), locks.size(), "one for each run of bytes");
    }
    assertTrue(granted > 1000);
    locks.releaseAll(fid);
    assertEquals(0, locks.size());
  }

  private int runs() {
    int runs = 0;
    for (int[] bytes : expected) {
      int before = 0;
      for (int kind : bytes) {
        if (kind != 0 && kind != before) {
          runs++;
        }
        before = kind;
      }
    }
    return runs;
  }

  @Test
  void aLockWithoutAnEndCoversTheLastByte() {
    RecordLocks locks = new RecordLocks();
    RecordLock all = new RecordLock(fid, new LockOwner(1, "c"), true, 0, Long.MAX_VALUE);
    assertTrue(locks.lock(all));
    assertTrue(locks.lock(range(1, true, 0, 5)));
    assertEquals(1, locks.size());
    RecordLock last =
        new RecordLock(fid, new LockOwner(2, "c"), true, Long.MAX_VALUE, Long.MAX_VALUE);
    assertEquals(all, locks.conflict(last));
    Fid other = new Fid(2, 0, new Place(6, 6, FileMode.REGULAR));
    assertEquals(null, locks.conflict(new RecordLock(other, new LockOwner(2, "c"), true, 0, 100)));
  }
}
