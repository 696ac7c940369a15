// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.linux.files.Statx;
import java.util.concurrent.locks.StampedLock;

/**
 * Finds what a name in a directory is, and its node, or makes one. A stamp tells whether the guest
 * changed names since the directory was looked at; then what was seen may be no place to find a
 * node again.
 */
final class NodeSearch {
  /** Names changed meanwhile. */
  static final int AGAIN = -Errno.EAGAIN;

  private static final int MASK = HandleSteps.MASK;
  private static final int NOT_KNOWN = 1;

  private final StampedLock names;
  private final NodeTable table;
  private final HandleCache handles;
  private final HandleSteps steps;

  NodeSearch(StampedLock names, NodeTable table, HandleCache handles, HandleSteps steps) {
    this.names = names;
    this.table = table;
    this.handles = handles;
    this.steps = steps;
  }

  /** As {@link HostNodes#lookup}, in a directory with a handle. */
  int lookup(HostThread thread, HostNode directory, NativeName name, long stamp) {
    int result = thread.stat.readEntry(directory.handle, name, Statx.AT_STATX_DONT_SYNC, MASK);
    if (result == -Errno.ENOENT) {
      return result;
    }
    // What fails otherwise may be a mount whose server does not answer, or not to us.
    if (result == 0 && isNoNewMount(thread, directory)) {
      if (directory.remote) {
        result = thread.stat.readEntry(directory.handle, name, 0, MASK);
      }
      if (result == 0) {
        result = refer(thread, directory, name, stamp);
      }
      if (result != NOT_KNOWN) {
        return result;
      }
    }
    return open(thread, directory, name, stamp);
  }

  /** A mount that is held can't have become another one. */
  private boolean isNoNewMount(HostThread thread, HostNode directory) {
    if (!HandleSteps.isMountRoot(directory, thread.stat)) {
      return true;
    }
    synchronized (table) {
      HostNode node = table.find(thread);
      return node != null && node.mountRoot && node.handle >= 0;
    }
  }

  private int refer(HostThread thread, HostNode directory, NativeName name, long stamp) {
    synchronized (table) {
      HostNode node = table.find(thread);
      if (node == null) {
        return NOT_KNOWN;
      }
      if (!names.validate(stamp)) {
        return AGAIN;
      }
      found(thread, node, directory, name);
      return 0;
    }
  }

  private void found(HostThread thread, HostNode node, HostNode directory, NativeName name) {
    node.references++;
    int length = name.copyTo(thread.bytes);
    table.place(thread, node, directory, thread.bytes, length);
    thread.number = node.number;
    thread.shown = node.shown;
    thread.special = node.special;
    thread.nearlyFull = table.isNearlyFull();
  }

  /** What is new, or a mount. */
  private int open(HostThread thread, HostNode directory, NativeName name, long stamp) {
    int handle = steps.open(thread, directory.handle, name);
    if (handle < 0) {
      return handle;
    }
    int result = examine(thread, directory, name, handle, stamp);
    if (result < 0 || thread.special) {
      HandleIo.close(handle);
    }
    return result;
  }

  private int examine(
      HostThread thread, HostNode directory, NativeName name, int handle, long stamp) {
    thread.special = false;
    int result = thread.stat.read(handle, Statx.AT_STATX_DONT_SYNC, MASK);
    boolean mount = result < 0 || HandleSteps.isMountRoot(directory, thread.stat);
    boolean remote = directory.remote;
    boolean layered = directory.layered;
    if (mount) {
      MountTypes.Kind kind = MountTypes.kind(thread, handle);
      if (kind.isHidden()) {
        return addSpecial(thread, directory, name, MountTypes.mountId(handle), stamp);
      }
      remote = kind.isRemote();
      layered = kind == MountTypes.Kind.LAYERED;
    }
    if (remote || result < 0) {
      result = thread.stat.read(handle, 0, MASK);
    }
    if (result == 0) {
      result = add(thread, directory, name, handle, stamp);
    }
    if (result == 0 && (mount || remote || layered)) {
      mark(thread.number, mount, remote, layered);
    }
    return result;
  }

  private void mark(long number, boolean mountRoot, boolean remote, boolean layered) {
    synchronized (table) {
      HostNode node = table.get(number);
      if (node != null && node != table.root()) {
        node.mountRoot = mountRoot;
        node.remote = remote;
        node.layered = layered;
      }
    }
  }

  private int addSpecial(
      HostThread thread, HostNode directory, NativeName name, long mount, long stamp) {
    synchronized (table) {
      HostNode node = table.findSpecial(mount);
      if (node == null && table.isFull()) {
        return -Errno.ENFILE;
      }
      if (!names.validate(stamp)) {
        return AGAIN;
      }
      found(thread, node == null ? table.addSpecial(mount) : node, directory, name);
      return 0;
    }
  }

  /**
   * A reference to the node of what was read of a handle.
   *
   * @param handle becomes the node's, unless there is an error
   */
  int add(HostThread thread, HostNode directory, NativeName name, int handle, long stamp) {
    synchronized (table) {
      HostNode node = table.find(thread);
      if (node == null && table.isFull()) {
        return -Errno.ENFILE;
      }
      if (!names.validate(stamp)) {
        return AGAIN;
      }
      if (node == null) {
        node = table.add(thread.stat);
      }
      // With a reference first, or nothing would hold it.
      found(thread, node, directory, name);
      if (node.handle >= 0) {
        thread.closeLater(handle);
      } else {
        handles.opened(thread, node, handle);
      }
      return 0;
    }
  }
}
