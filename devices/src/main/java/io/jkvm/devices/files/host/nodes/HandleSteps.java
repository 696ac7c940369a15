// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.linux.files.OpenHow;
import io.jkvm.core.linux.files.Statx;
import java.util.Arrays;

/**
 * Opens handles: of a name in a directory, and anew of nodes that lost theirs, from the nearest
 * directory above that has one, name by name. What is found has to be the same inode again.
 */
final class HandleSteps {
  static final int MASK = Statx.STATX_BASIC_STATS | Statx.STATX_BTIME | Statx.STATX_MNT_ID;
  private static final int SHRINK = 64;
  private static final int TRIES = 8;

  /** Something that is gone can't be told from something that never was. */
  private static final int LOST = -Errno.ESTALE;

  /** The way was changed meanwhile. */
  private static final int AGAIN = -Errno.EAGAIN;

  private final OpenHow how =
      new OpenHow(
          OpenHow.O_PATH | OpenHow.O_NOFOLLOW,
          0,
          OpenHow.RESOLVE_BENEATH | OpenHow.RESOLVE_NO_SYMLINKS | OpenHow.RESOLVE_NO_MAGICLINKS);
  private final NodeTable table;
  private final HandleCache handles;

  HandleSteps(NodeTable table, HandleCache handles) {
    this.table = table;
    this.handles = handles;
  }

  /** Opens one component; if there are no descriptors left, some that are not in use are closed. */
  int open(HostThread thread, int directory, NativeName name) {
    int result = how.open(directory, name);
    return closedSome(thread, result) ? how.open(directory, name) : result;
  }

  /**
   * Closes handles that are not in use if a call has failed for want of descriptors.
   *
   * @param result of the call
   * @return whether it should be made again
   */
  boolean closedSome(HostThread thread, int result) {
    if (result != -Errno.EMFILE && result != -Errno.ENFILE) {
      return false;
    }
    boolean some;
    synchronized (table) {
      some = handles.shrink(thread, SHRINK);
    }
    thread.closeNow();
    return some;
  }

  /** Whether what was read of an inode in a directory is the root of a mount. */
  static boolean isMountRoot(HostNode directory, Statx stat) {
    if ((stat.attributesMask() & Statx.STATX_ATTR_MOUNT_ROOT) != 0) {
      return (stat.attributes() & Statx.STATX_ATTR_MOUNT_ROOT) != 0;
    }
    return stat.device() != directory.device; // before Linux 5.8
  }

  /**
   * Gives a node in use its handle again. No names are changed by the guest meanwhile.
   *
   * @return 0, or an errno negated
   */
  int reopen(HostThread thread, HostNode node) {
    int result = AGAIN;
    for (int i = 0; i < TRIES && result == AGAIN; i++) {
      result = walk(thread, node);
    }
    return result == AGAIN || result == LOST ? reopenByFile(thread, node) : result;
  }

  /** By a file that is open, whatever has become of its name. */
  private int reopenByFile(HostThread thread, HostNode node) {
    int descriptor;
    synchronized (table) {
      if (node.newestFile == null) {
        return LOST;
      }
      descriptor = node.newestFile.descriptor();
    }
    // It may be closed meanwhile, and its number be another file's.
    int handle = thread.io.reopen(descriptor, OpenHow.O_PATH);
    if (closedSome(thread, handle)) {
      handle = thread.io.reopen(descriptor, OpenHow.O_PATH);
    }
    if (handle < 0) {
      return handle == -Errno.ENOENT ? LOST : handle;
    }
    if (adopt(thread, node, handle)) {
      return 0;
    }
    HandleIo.close(handle);
    synchronized (table) {
      return node.handle >= 0 ? 0 : LOST;
    }
  }

  /** Gives a node in use a handle, if it is one of it, and it has none. */
  boolean adopt(HostThread thread, HostNode node, int handle) {
    if (thread.stat.read(handle, Statx.AT_STATX_DONT_SYNC, MASK) < 0) {
      return false;
    }
    synchronized (table) {
      if (node.handle >= 0 || !node.is(thread.stat)) {
        return false;
      }
      handles.opened(thread, node, handle);
      return true;
    }
  }

  private int walk(HostThread thread, HostNode node) {
    int depth;
    synchronized (table) {
      depth = collect(thread, node);
    }
    // Those but the first are in use, and to be released.
    int result = depth < 0 ? LOST : 0;
    HostNode[] chain = thread.chain;
    for (int i = Math.abs(depth) - 1; i > 0; i--) {
      if (result == 0) {
        result = step(thread, chain[i], chain[i - 1]);
      }
      synchronized (table) {
        handles.release(thread, chain[i]);
        table.drop(thread, chain[i]);
      }
      chain[i] = null;
    }
    chain[0] = null;
    thread.closeNow();
    return result;
  }

  /**
   * The node and the directories that lead to it, up to one with a handle.
   *
   * @return how many, negated if there is no such directory
   */
  private int collect(HostThread thread, HostNode node) {
    int count = 0;
    HostNode at = node;
    while (true) {
      if (count == thread.chain.length) {
        thread.chain = Arrays.copyOf(thread.chain, 2 * count);
      }
      thread.chain[count] = at;
      count++;
      if (at.handle >= 0) {
        return count;
      }
      at = at.parent;
      if (at == null) {
        return -count;
      }
      handles.use(at);
    }
  }

  private int step(HostThread thread, HostNode directory, HostNode child) {
    synchronized (table) {
      if (child.handle >= 0) {
        return 0;
      }
      if (child.parent != directory) {
        return AGAIN;
      }
      thread.stepBytes.put(0, child.name, 0, child.nameLength);
      if (thread.stepName.setComponent(thread.stepBytes, 0, child.nameLength) < 0) {
        return LOST;
      }
    }
    int handle = open(thread, directory.handle, thread.stepName);
    if (handle < 0) {
      boolean gone = handle == -Errno.ENOENT || handle == -Errno.ENOTDIR || handle == -Errno.ELOOP;
      return gone ? LOST : handle;
    }
    int result = check(thread, directory, child, handle);
    if (result < 0) {
      HandleIo.close(handle);
    }
    return result;
  }

  private int check(HostThread thread, HostNode directory, HostNode child, int handle) {
    int result = thread.stat.read(handle, Statx.AT_STATX_DONT_SYNC, MASK);
    if (result < 0) {
      return result;
    }
    if (isMountRoot(directory, thread.stat) && MountTypes.kind(thread, handle).isHidden()) {
      return LOST;
    }
    synchronized (table) {
      if (!child.is(thread.stat)) {
        return LOST;
      }
      if (child.handle >= 0) {
        thread.closeLater(handle);
      } else {
        handles.opened(thread, child, handle);
      }
    }
    return 0;
  }
}
