// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.DirectoryIo;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.linux.files.OpenHow;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;

/** Makes files, directories and links; what can't be given to the guest is removed again. */
final class HostMaking {
  private static final long RESOLVE =
      OpenHow.RESOLVE_BENEATH | OpenHow.RESOLVE_NO_SYMLINKS | OpenHow.RESOLVE_NO_MAGICLINKS;

  private final HostNodes nodes;
  private final HostOwners owners;
  private final HostMoves moves;

  HostMaking(HostNodes nodes, HostOwners owners, HostMoves moves) {
    this.nodes = nodes;
    this.owners = owners;
    this.moves = moves;
  }

  /** As {@link io.jkvm.devices.files.FileTree#makeDirectory}. */
  int makeDirectory(
      HostThread thread,
      Caller caller,
      long number,
      NativeName name,
      int mode,
      FileAttributes entry) {
    return make(thread, caller, number, name, FileMode.DIRECTORY | mode, null, entry);
  }

  /** As {@link io.jkvm.devices.files.FileTree#makeNode}, but for devices. */
  int makeNode(
      HostThread thread,
      Caller caller,
      long number,
      NativeName name,
      int mode,
      FileAttributes entry) {
    int type = mode & FileMode.TYPE;
    if (type != FileMode.REGULAR && type != FileMode.FIFO && type != FileMode.SOCKET) {
      return -Errno.EPERM;
    }
    return make(thread, caller, number, name, mode, null, entry);
  }

  /** As {@link io.jkvm.devices.files.FileTree#makeSymbolicLink}. */
  int makeSymbolicLink(
      HostThread thread,
      Caller caller,
      long number,
      NativeName name,
      NativeName target,
      FileAttributes entry) {
    return make(thread, caller, number, name, FileMode.SYMBOLIC_LINK, target, entry);
  }

  private int make(
      HostThread thread,
      Caller caller,
      long number,
      NativeName name,
      int mode,
      NativeName target,
      FileAttributes entry) {
    HostNode parent = nodes.use(thread, number);
    if (parent == null) {
      return thread.error;
    }
    try {
      int result = enter(thread, caller, parent);
      if (result < 0) {
        return result;
      }
      try {
        result = make(parent.handle(), name, mode, target);
      } finally {
        owners.leave(caller);
      }
      int flags = FileMode.isDirectory(mode) ? DirectoryIo.AT_REMOVEDIR : 0;
      return result < 0 ? result : made(thread, parent, name, flags, entry);
    } finally {
      nodes.done(thread, parent);
    }
  }

  private static int make(int directory, NativeName name, int mode, NativeName target) {
    boolean isDirectory = FileMode.isDirectory(mode);
    int permissions = HostChanges.permissions(mode, isDirectory);
    if (target != null) {
      return DirectoryIo.symlinkat(target, directory, name);
    }
    return isDirectory
        ? DirectoryIo.mkdirat(directory, name, permissions)
        : DirectoryIo.mknodat(directory, name, mode & FileMode.TYPE | permissions, 0);
  }

  /** Whether something may be made as a caller's, which begins then. */
  private int enter(HostThread thread, Caller caller, HostNode directory) {
    int result = moves.check(thread, directory);
    if (result == 0 && nodes.isFull()) {
      result = -Errno.ENFILE;
    }
    return result < 0 ? result : owners.enter(thread, caller);
  }

  /** A reference to what was made, or it is removed again. */
  private int made(
      HostThread thread, HostNode directory, NativeName name, int flags, FileAttributes entry) {
    int result = nodes.lookup(thread, directory, name);
    if (result < 0) {
      DirectoryIo.unlinkat(directory.handle(), name, flags);
      return result;
    }
    return HostAttributes.entry(thread, entry);
  }

  /** As {@link io.jkvm.devices.files.FileTree#link}. */
  int link(HostThread thread, long number, long newParent, NativeName name, FileAttributes entry) {
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    HostNode parent = nodes.use(thread, newParent);
    if (parent == null) {
      int error = thread.error;
      nodes.done(thread, node);
      return error;
    }
    try {
      int result = moves.check(thread, parent);
      if (result < 0 || node.isDirectory()) {
        return result < 0 ? result : -Errno.EPERM;
      }
      result = thread.io.link(node.handle(), parent.handle(), name);
      return result < 0 ? result : made(thread, parent, name, 0, entry);
    } finally {
      nodes.done(thread, node);
      nodes.done(thread, parent);
    }
  }

  /**
   * Makes a regular file, open and with a reference, the entry filled in.
   *
   * @return its descriptor, or an errno negated: EEXIST if the name is something's
   */
  int create(
      HostThread thread,
      Caller caller,
      long number,
      NativeName name,
      int mode,
      int flags,
      FileAttributes entry) {
    HostNode parent = nodes.use(thread, number);
    if (parent == null) {
      return thread.error;
    }
    try {
      int result = enter(thread, caller, parent);
      if (result < 0) {
        return result;
      }
      int descriptor;
      try {
        int all = OpenHow.O_CREAT | OpenHow.O_EXCL | OpenHow.O_NOFOLLOW | openFlags(flags);
        thread.how.set(all, HostChanges.permissions(mode, false), RESOLVE);
        descriptor = thread.how.open(parent.handle(), name);
        if (nodes.closedSome(thread, descriptor)) {
          descriptor = thread.how.open(parent.handle(), name);
        }
      } finally {
        owners.leave(caller);
      }
      return descriptor < 0 ? descriptor : created(thread, parent, name, descriptor, entry);
    } finally {
      nodes.done(thread, parent);
    }
  }

  private int created(
      HostThread thread, HostNode parent, NativeName name, int descriptor, FileAttributes entry) {
    int handle = nodes.reopen(thread, descriptor, OpenHow.O_PATH);
    int result = handle < 0 ? handle : nodes.adopt(thread, parent, name, handle);
    if (result < 0) {
      DirectoryIo.unlinkat(parent.handle(), name, 0);
      HandleIo.close(descriptor);
      return result;
    }
    HostAttributes.entry(thread, entry);
    return descriptor;
  }

  /** What the host may see of flags; a size of 0 is nothing new to a file that was just made. */
  static int openFlags(int flags) {
    return flags & (OpenFlags.ACCESS_MODE | OpenFlags.TRUNCATE | OpenFlags.SYNC);
  }
}
