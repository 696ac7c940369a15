// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

/**
 * A lock of a range of a file.
 *
 * @param fid by which it was taken, and with which it ends
 * @param exclusive for writing; else shared, for reading
 * @param start of its first byte
 * @param last of its last byte, {@link Long#MAX_VALUE} for one that has no end
 */
public record RecordLock(Fid fid, LockOwner owner, boolean exclusive, long start, long last) {
  boolean overlaps(long node, long from, long to) {
    return fid.node() == node && start <= to && from <= last;
  }

  /** The same lock of another range. */
  RecordLock of(long newStart, long newLast) {
    return new RecordLock(fid, owner, exclusive, newStart, newLast);
  }

  /** Whether both together are one lock of one range; they don't overlap. */
  boolean continues(RecordLock other) {
    return fid == other.fid
        && exclusive == other.exclusive
        && owner.equals(other.owner)
        && (other.last != Long.MAX_VALUE && other.last + 1 == start
            || last != Long.MAX_VALUE && last + 1 == other.start);
  }
}
