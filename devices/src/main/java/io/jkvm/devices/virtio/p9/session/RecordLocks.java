// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import java.util.ArrayList;
import java.util.List;

/**
 * The locks that a client has on ranges of files, as fcntl(2) has them: an owner's new lock takes
 * the place of its own in the same range, and one of another owner is in the way unless both are
 * shared. Nothing on the host knows of them. Not thread-safe.
 */
public final class RecordLocks {
  /** How many there can be. */
  static final int MAX_LOCKS = 4096;

  private final List<RecordLock> locks = new ArrayList<>();

  /** How many there are. */
  public int size() {
    return locks.size();
  }

  /** The first lock that is in the way of one; null if there is none. */
  public RecordLock conflict(RecordLock wanted) {
    for (RecordLock lock : locks) {
      if (lock.overlaps(wanted.fid().node(), wanted.start(), wanted.last())
          && (lock.exclusive() || wanted.exclusive())
          && !lock.owner().equals(wanted.owner())) {
        return lock;
      }
    }
    return null;
  }

  /**
   * Takes a lock that nothing is in the way of.
   *
   * @return false if there are too many
   */
  public boolean lock(RecordLock wanted) {
    if (locks.size() + 2 > MAX_LOCKS) {
      return false; // it may split another one in two
    }
    cut(wanted);
    RecordLock joined = wanted;
    for (int i = locks.size() - 1; i >= 0; i--) {
      RecordLock lock = locks.get(i);
      if (lock.continues(joined)) {
        locks.remove(i);
        joined =
            joined.of(Math.min(lock.start(), joined.start()), Math.max(lock.last(), joined.last()));
      }
    }
    locks.add(joined);
    return true;
  }

  /**
   * Gives up all that an owner has in a range.
   *
   * @param range only its file, owner and range count
   * @return false if what is left would be too many
   */
  public boolean unlock(RecordLock range) {
    if (locks.size() >= MAX_LOCKS) {
      for (RecordLock lock : locks) {
        if (isOwn(lock, range) && lock.start() < range.start() && range.last() < lock.last()) {
          return false;
        }
      }
    }
    cut(range);
    return true;
  }

  private static boolean isOwn(RecordLock lock, RecordLock range) {
    return lock.overlaps(range.fid().node(), range.start(), range.last())
        && lock.owner().equals(range.owner());
  }

  /** Leaves of the owner's locks what is outside a range. */
  private void cut(RecordLock range) {
    for (int i = locks.size() - 1; i >= 0; i--) {
      RecordLock lock = locks.get(i);
      if (isOwn(lock, range)) {
        locks.remove(i);
        if (lock.start() < range.start()) {
          locks.add(lock.of(lock.start(), range.start() - 1));
        }
        if (range.last() < lock.last()) {
          locks.add(lock.of(range.last() + 1, lock.last()));
        }
      }
    }
  }

  /** A fid ends, and all that was locked by it. */
  void releaseAll(Fid fid) {
    if (!locks.isEmpty()) {
      locks.removeIf(lock -> lock.fid() == fid);
    }
  }

  void clear() {
    locks.clear();
  }
}
