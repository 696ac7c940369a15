// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.FileDataIo;
import io.jkvm.core.linux.files.FileMode;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;

/**
 * Changes attributes by the handle, the size by an open file if there is one. What can be known to
 * fail is refused first. Then the owner is changed, which takes set-user-ID bits away, the size,
 * the permissions, and the times last, since the others set them; if one fails, the owner becomes
 * what it was, and a size that was changed remains.
 */
final class HostChanges {
  private static final int TIMES =
      AttributeChange.ACCESS_TIME
          | AttributeChange.ACCESS_NOW
          | AttributeChange.MODIFICATION_TIME
          | AttributeChange.MODIFICATION_NOW;

  private final HostOwners owners;

  HostChanges(HostOwners owners) {
    this.owners = owners;
  }

  /** The permissions that something on the host may get: no set-user-ID, whatever the policy. */
  static int permissions(int mode, boolean directory) {
    int all = FileMode.PERMISSIONS & ~FileMode.S_ISUID;
    return mode & (directory ? all : all & ~FileMode.S_ISGID);
  }

  int apply(HostThread thread, HostNode node, OpenFile file, AttributeChange change) {
    if (node.isSpecial()) {
      return -Errno.EPERM;
    }
    int handle = node.handle();
    int result = thread.stat.read(handle, 0, HostNodes.MASK);
    if (result == 0) {
      result = check(thread, file, change);
    }
    if (result < 0) {
      return result;
    }
    int mode = thread.stat.mode();
    int uid = owners.newUid(change);
    int gid = owners.newGid(thread.stat, change);
    int oldUid = uid == HostOwners.STAYS ? uid : thread.stat.uid();
    int oldGid = gid == HostOwners.STAYS ? gid : thread.stat.gid();
    boolean owned = owners.changes(thread.stat, change);
    int newGid = gid == HostOwners.STAYS ? thread.stat.gid() : gid;
    if (owned) {
      result = HandleIo.chown(handle, uid, gid);
    }
    if (result == 0) {
      result = others(thread, handle, mode, newGid, file, change);
      if (result < 0 && owned) {
        HandleIo.chown(handle, oldUid, oldGid);
      }
    }
    return result;
  }

  private int check(HostThread thread, OpenFile file, AttributeChange change) {
    int mode = thread.stat.mode();
    if (change.has(AttributeChange.SIZE)) {
      if (!FileMode.isRegular(mode)) {
        return FileMode.isDirectory(mode) ? -Errno.EISDIR : -Errno.EINVAL;
      }
      if (file != null && !((HostFile) file).writes()) {
        return -Errno.EINVAL;
      }
    }
    if (change.has(AttributeChange.MODE) && FileMode.isSymbolicLink(mode)) {
      return -Errno.EOPNOTSUPP;
    }
    int result = times(thread, change);
    return result < 0 ? result : owners.check(thread.stat, change);
  }

  private static int times(HostThread thread, AttributeChange change) {
    thread.times.clear();
    int result = 0;
    if (change.has(AttributeChange.ACCESS_NOW)) {
      thread.times.setAccessNow();
    } else if (change.has(AttributeChange.ACCESS_TIME)) {
      result = thread.times.setAccess(change.accessSeconds, change.accessNanos);
    }
    if (change.has(AttributeChange.MODIFICATION_NOW)) {
      thread.times.setModificationNow();
    } else if (change.has(AttributeChange.MODIFICATION_TIME) && result == 0) {
      result = thread.times.setModification(change.modificationSeconds, change.modificationNanos);
    }
    return result;
  }

  private int others(
      HostThread thread, int handle, int mode, int gid, OpenFile file, AttributeChange change) {
    int result = 0;
    if (change.has(AttributeChange.SIZE)) {
      result =
          file == null
              ? thread.io.truncate(handle, change.size)
              : FileDataIo.truncate(((HostFile) file).descriptor(), change.size);
    }
    if (result == 0 && change.has(AttributeChange.MODE)) {
      int permissions = permissions(change.mode, FileMode.isDirectory(mode));
      result = owners.chmod(thread, handle, permissions, gid);
    }
    if (result == 0 && change.has(TIMES)) {
      result = thread.io.utimens(handle, thread.times);
    }
    return result;
  }
}
