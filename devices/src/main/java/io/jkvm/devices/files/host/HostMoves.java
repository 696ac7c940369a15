// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.DirectoryIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;

/** Removes and renames names in directories, and tells the nodes, so that they are found again. */
final class HostMoves {
  private final HostNodes nodes;
  private final WrittenFileSystems written;

  HostMoves(HostNodes nodes, WrittenFileSystems written) {
    this.nodes = nodes;
    this.written = written;
  }

  /** Whether something in a directory may be changed: 0, or an errno negated. */
  int check(HostThread thread, HostNode directory) {
    if (!directory.isDirectory()) {
      return -Errno.ENOTDIR;
    }
    if (directory.isSpecial()) {
      return -Errno.EPERM;
    }
    written.add(thread, directory);
    return 0;
  }

  /**
   * Removes a name, of a directory or of anything else; the node of what had it keeps its handle.
   *
   * @param flags as unlinkat(2)
   */
  int remove(HostThread thread, long number, NativeName name, int flags) {
    HostNode parent = nodes.use(thread, number);
    if (parent == null) {
      return thread.error;
    }
    try {
      int result = check(thread, parent);
      return result < 0 ? result : remove(thread, parent, name, flags);
    } finally {
      nodes.done(thread, parent);
    }
  }

  private int remove(HostThread thread, HostNode parent, NativeName name, int flags) {
    int result;
    HostNode node = null;
    long stamp = nodes.lockNames();
    try {
      node = nodes.known(thread, parent, name, true);
      result = DirectoryIo.unlinkat(parent.handle(), name, flags);
      if (result == 0 && node != null) {
        nodes.lost(thread, node, parent, name);
      }
    } finally {
      nodes.unlockNames(stamp);
      done(thread, node);
    }
    return result;
  }

  private void done(HostThread thread, HostNode node) {
    if (node != null) {
      nodes.done(thread, node);
    }
  }

  /** As {@link io.jkvm.devices.files.FileTree#rename}. */
  int rename(
      HostThread thread,
      long number,
      NativeName name,
      long newNumber,
      NativeName newName,
      int flags) {
    HostNode parent = nodes.use(thread, number);
    if (parent == null) {
      return thread.error;
    }
    HostNode newParent = nodes.use(thread, newNumber);
    if (newParent == null) {
      int error = thread.error;
      nodes.done(thread, parent);
      return error;
    }
    try {
      int result = check(thread, parent);
      if (result == 0) {
        result = check(thread, newParent);
      }
      return result < 0 ? result : rename(thread, parent, name, newParent, newName, flags);
    } finally {
      nodes.done(thread, parent);
      nodes.done(thread, newParent);
    }
  }

  private int rename(
      HostThread thread,
      HostNode parent,
      NativeName name,
      HostNode newParent,
      NativeName newName,
      int flags) {
    int result;
    HostNode node = null;
    HostNode other = null;
    long stamp = nodes.lockNames();
    try {
      boolean exchange = flags == OpenFlags.RENAME_EXCHANGE;
      node = nodes.known(thread, parent, name, false);
      other = nodes.known(thread, newParent, newName, !exchange);
      result = DirectoryIo.renameat2(parent.handle(), name, newParent.handle(), newName, flags);
      // With two names of one inode the kernel does nothing.
      if (result == 0 && (node == null || node != other)) {
        renamed(thread, node, parent, name, other, newParent, newName, exchange);
      }
    } finally {
      nodes.unlockNames(stamp);
      done(thread, node);
      done(thread, other);
    }
    return result;
  }

  private void renamed(
      HostThread thread,
      HostNode node,
      HostNode parent,
      NativeName name,
      HostNode other,
      HostNode newParent,
      NativeName newName,
      boolean exchange) {
    if (other != null && exchange) {
      nodes.moved(thread, other, parent, name);
    } else if (other != null) {
      nodes.lost(thread, other, newParent, newName);
    }
    if (node != null) {
      nodes.moved(thread, node, newParent, newName);
    }
  }
}
