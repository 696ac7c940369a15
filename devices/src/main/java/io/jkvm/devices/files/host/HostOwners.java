// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Credentials;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.FileMode;
import io.jkvm.core.linux.files.Statx;
import io.jkvm.core.linux.files.ThreadFileAccess;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.host.nodes.HostThread;

/**
 * Whose the files are. The guest always sees the host's numbers; the rest depends on as whom this
 * process runs.
 *
 * <p><b>As root</b>, owners are what the guest says: what is made belongs to who makes it, and a
 * change of owner is done. The permissions to do so were checked by the guest's kernel.
 *
 * <p><b>As an ordinary user</b>, what is made belongs to that user, whoever makes it. That user's
 * files can be given to the user again, or to the guest's root, who stands for the same: both
 * succeed and nothing changes, as long as the owner is told with the numbers that are. Their group
 * may become one of those that the user is in; 0 succeeds and changes nothing. All else is EPERM.
 */
final class HostOwners {
  /** For chown(2): the owner, or the group, stays. */
  static final int STAYS = -1;

  private final int user;

  /** Those of this process. */
  HostOwners() {
    this(Credentials.effectiveUserId());
  }

  /** Those of a user, 0 for root. */
  HostOwners(int user) {
    this.user = user;
  }

  private boolean isRoot() {
    return user == 0;
  }

  /**
   * What the calling thread makes from now on belongs to a caller, until {@link #leave}.
   *
   * @return 0, or an errno negated; then nothing has changed
   */
  int enter(HostThread thread, Caller caller) {
    int result = thread.ownUmask();
    if (result < 0 || !isRoot()) {
      return result;
    }
    if (caller.gid != 0) {
      result = ThreadFileAccess.setfsgid(caller.gid);
    }
    if (result == 0 && caller.uid != 0) {
      result = ThreadFileAccess.setfsuid(caller.uid);
      if (result < 0) {
        leave(caller);
      } else {
        // Where this is not permitted, those of the caller count on the host as well.
        ThreadFileAccess.regainDacOverride(thread.scratch);
      }
    }
    return result;
  }

  /** The end of what {@link #enter} began. */
  void leave(Caller caller) {
    if (!isRoot()) {
      return;
    }
    int result = 0;
    if (caller.uid != 0) {
      result |= ThreadFileAccess.setfsuid(0);
    }
    if (caller.gid != 0) {
      result |= ThreadFileAccess.setfsgid(0);
    }
    if (result < 0) {
      throw new InternalError("a thread can't be root again");
    }
  }

  /**
   * Sets the permissions of a file or directory. A directory's set-group-ID bit, by which what is
   * made in it gets its group, is kept by the kernel only for who is in that group.
   *
   * @param gid the group that it has
   * @return 0, or an errno negated
   */
  int chmod(HostThread thread, int handle, int permissions, int gid) {
    boolean joins = isRoot() && (permissions & FileMode.S_ISGID) != 0 && gid != 0;
    if (!joins) {
      return thread.io.chmod(handle, permissions);
    }
    int result = ThreadFileAccess.setfsgid(gid);
    if (result < 0) {
      return result;
    }
    result = thread.io.chmod(handle, permissions);
    if (ThreadFileAccess.setfsgid(0) < 0) {
      throw new InternalError("a thread can't be root again");
    }
    return result;
  }

  /**
   * Whether owner and group may become what is asked for.
   *
   * @param now the file
   */
  int check(Statx now, AttributeChange change) {
    if (isRoot()) {
      return 0;
    }
    if (change.has(AttributeChange.UID)) {
      boolean same = change.uid == now.uid();
      boolean own = now.uid() == user && change.uid == 0;
      if (!same && !own) {
        return -Errno.EPERM;
      }
    }
    boolean foreign = now.uid() != user;
    return change.has(AttributeChange.GID) && foreign && change.gid != now.gid() ? -Errno.EPERM : 0;
  }

  /**
   * Whether the host is to be told of a change of owner, after {@link #check}. Also of one that
   * changes nothing, if there are set-ID bits, which it takes away: as a user that of an owner, and
   * always a change of nothing at all, which Linux sends before somebody writes who is to take them
   * away, and believes its reply. Capabilities of a file without them stay then, as its owner does.
   *
   * @param now the file
   */
  boolean changes(Statx now, AttributeChange change) {
    if (newUid(change) != STAYS || newGid(now, change) != STAYS) {
      return true;
    }
    boolean asked = change.fields == 0 || change.has(AttributeChange.UID | AttributeChange.GID);
    return asked && hasBits(now.mode()) && (isRoot() || now.uid() == user);
  }

  /**
   * Whether the kernel takes some away; a set-group-ID bit only if a group may execute the file.
   */
  private static boolean hasBits(int mode) {
    boolean group = (mode & FileMode.S_ISGID) != 0 && (mode & FileMode.S_IXGRP) != 0;
    return FileMode.isRegular(mode) && ((mode & FileMode.S_ISUID) != 0 || group);
  }

  /** The owner to be set on the host, after {@link #check}; -1 if it stays. */
  int newUid(AttributeChange change) {
    return isRoot() && change.has(AttributeChange.UID) ? change.uid : STAYS;
  }

  /** The group to be set on the host, after {@link #check}; -1 if it stays. */
  int newGid(Statx now, AttributeChange change) {
    if (!change.has(AttributeChange.GID)) {
      return STAYS;
    }
    boolean stays = !isRoot() && (change.gid == 0 || change.gid == now.gid());
    return stays ? STAYS : change.gid;
  }
}
