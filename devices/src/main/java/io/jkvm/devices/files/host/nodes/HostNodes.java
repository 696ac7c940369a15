// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.linux.files.Statx;
import java.util.concurrent.locks.StampedLock;

/**
 * The nodes of a tree: found by names, held by handles of which there is a bounded number, found
 * again when they have none. For any thread; no lock is held during a system call but that of
 * {@link #lockNames}.
 *
 * <p>An inode that is reached by two mounts is two nodes with one inode number.
 */
public final class HostNodes {
  /** What {@link HostThread#stat} is asked for. */
  public static final int MASK = HandleSteps.MASK;

  private final StampedLock names = new StampedLock();
  private final TreeAllotment allotment;
  private final HandleCache handles;
  private final InodeNumbers numbers = new InodeNumbers();
  private final NodeTable table;
  private final HandleSteps steps;
  private final NodeSearch search;
  private final HostNode root;

  /**
   * The root alone.
   *
   * @param call for the exception, if it can't be read or is in a file system of the kernel's own
   * @param rootHandle of a directory; closed with this
   * @param allotment of this tree; given back with {@link #close}
   */
  public HostNodes(HostThread thread, String call, int rootHandle, TreeAllotment allotment)
      throws LinuxException {
    int result = thread.stat.read(rootHandle, 0, MASK);
    if (result < 0) {
      throw new LinuxException(call, -result);
    }
    MountTypes.Kind kind = MountTypes.kind(thread, rootHandle);
    if (kind == MountTypes.Kind.SPECIAL) {
      throw new LinuxException(call + ", a file system of the kernel's own", Errno.EPERM);
    }
    this.allotment = allotment;
    handles = new HandleCache(allotment);
    table = new NodeTable(allotment, handles, numbers, thread.stat);
    steps = new HandleSteps(table, handles);
    search = new NodeSearch(names, table, handles, steps);
    root = table.root();
    root.remote = kind.isRemote();
    root.layered = kind == MountTypes.Kind.LAYERED;
    handles.opened(thread, root, rootHandle);
    handles.use(root); // for ever
  }

  public HostNode root() {
    return root;
  }

  /** What this tree may have of the process. */
  public TreeAllotment allotment() {
    return allotment;
  }

  /**
   * Opens a node in use once more, as {@link HandleIo#reopen}; if the process has no descriptors
   * left, handles that are not in use are closed for it.
   */
  public int reopen(HostThread thread, HostNode node, int flags) {
    return reopen(thread, node.handle, flags);
  }

  /** The same with any descriptor that the caller has. */
  public int reopen(HostThread thread, int descriptor, int flags) {
    int result = thread.io.reopen(descriptor, flags);
    return closedSome(thread, result) ? thread.io.reopen(descriptor, flags) : result;
  }

  /**
   * Closes handles that are not in use if a call has failed for want of descriptors.
   *
   * @param result of the call
   * @return whether it should be made again
   */
  public boolean closedSome(HostThread thread, int result) {
    return steps.closedSome(thread, result);
  }

  /** How many nodes there are, with the root. */
  public int size() {
    synchronized (table) {
      return table.size();
    }
  }

  /** How many have a handle. */
  public int openHandles() {
    synchronized (table) {
      return handles.open();
    }
  }

  /** Whether there is no room for another node. */
  public boolean isFull() {
    synchronized (table) {
      return table.isFull();
    }
  }

  /** The inode number that an entry of a directory is shown with, as near as can be told. */
  public long guessShown(long device, long inode) {
    return numbers.guess(device, inode);
  }

  /**
   * The node of a number, with its handle, in use until {@link #done}.
   *
   * @return null for {@link HostThread#error}: ESTALE if there is none, or none any more
   */
  public HostNode use(HostThread thread, long number) {
    HostNode node;
    synchronized (table) {
      node = table.get(number);
      if (node == null) {
        return thread.fail(-Errno.ESTALE);
      }
      handles.use(node);
      if (node.handle >= 0 || node.special) {
        return node;
      }
    }
    long stamp = names.readLock();
    int result;
    try {
      result = steps.reopen(thread, node);
    } finally {
      names.unlockRead(stamp);
    }
    if (result < 0) {
      done(thread, node);
      return thread.fail(result);
    }
    return node;
  }

  /** As {@link #use}, of the directory that a node in use was found in last. */
  public HostNode useParent(HostThread thread, HostNode node) {
    long number;
    synchronized (table) {
      number = node.parent == null ? 0 : node.parent.number;
    }
    return use(thread, number);
  }

  /** The end of a use. */
  public void done(HostThread thread, HostNode node) {
    synchronized (table) {
      handles.release(thread, node);
      table.drop(thread, node);
    }
    thread.closeNow();
  }

  /**
   * Finds a name in a directory in use, and takes a reference to what it is: {@link
   * HostThread#number} and its like, and the attributes in {@link HostThread#stat} unless it is
   * special.
   *
   * @return 0, or an errno negated
   */
  public int lookup(HostThread thread, HostNode directory, NativeName name) {
    if (!directory.isDirectory()) {
      return -Errno.ENOTDIR;
    }
    if (directory.isSpecial()) {
      return -Errno.ENOENT;
    }
    long stamp = names.tryOptimisticRead();
    int result = stamp == 0 ? NodeSearch.AGAIN : search.lookup(thread, directory, name, stamp);
    if (result == NodeSearch.AGAIN) {
      stamp = names.readLock();
      try {
        result = search.lookup(thread, directory, name, stamp);
      } finally {
        names.unlockRead(stamp);
      }
    }
    thread.closeNow();
    return result;
  }

  /**
   * Takes a reference to what was just made and is open, as {@link #lookup} does.
   *
   * @param handle becomes the node's; closed if there is an error
   */
  public int adopt(HostThread thread, HostNode directory, NativeName name, int handle) {
    int result = thread.stat.read(handle, 0, MASK);
    if (result == 0) {
      long stamp = names.readLock();
      try {
        result = search.add(thread, directory, name, handle, stamp);
      } finally {
        names.unlockRead(stamp);
      }
    }
    if (result < 0) {
      HandleIo.close(handle);
    }
    thread.closeNow();
    return result;
  }

  /** Takes references away; the count is unsigned. */
  public void forget(HostThread thread, long number, long count) {
    synchronized (table) {
      HostNode node = table.get(number);
      if (node == null || node == root) {
        return;
      }
      boolean all = Long.compareUnsigned(count, node.references) >= 0;
      node.references = all ? 0 : node.references - count;
      table.drop(thread, node);
    }
    thread.closeNow();
  }

  /** Takes all references away. */
  public void forgetAll(HostThread thread) {
    synchronized (table) {
      table.dropAll(thread);
    }
    thread.closeNow();
  }

  /**
   * Begins to change names that nodes may be known by. Whoever does it has the directories in use
   * already, and uses no more of them until {@link #unlockNames}.
   */
  public long lockNames() {
    return names.writeLock();
  }

  public void unlockNames(long stamp) {
    names.unlockWrite(stamp);
  }

  /**
   * The node of a name, if there is one, in use; names are locked.
   *
   * @param keep it is about to lose the name, so it has to have a handle
   */
  public HostNode known(HostThread thread, HostNode directory, NativeName name, boolean keep) {
    if (thread.stat.readEntry(directory.handle, name, Statx.AT_STATX_DONT_SYNC, MASK) < 0
        || HandleSteps.isMountRoot(directory, thread.stat)) {
      return null;
    }
    HostNode node;
    synchronized (table) {
      node = table.find(thread);
      if (node == null) {
        return null;
      }
      handles.use(node);
    }
    if (keep && node.handle < 0) {
      int handle = steps.open(thread, directory.handle, name);
      if (handle >= 0 && !steps.adopt(thread, node, handle)) {
        HandleIo.close(handle);
      }
    }
    return node;
  }

  /** A node in use has another name now; names are locked. */
  public void moved(HostThread thread, HostNode node, HostNode directory, NativeName name) {
    synchronized (table) {
      int length = name.copyTo(thread.bytes);
      table.place(thread, node, directory, thread.bytes, length);
    }
    thread.closeNow();
  }

  /** A node in use has lost a name; names are locked. */
  public void lost(HostThread thread, HostNode node, HostNode directory, NativeName name) {
    synchronized (table) {
      int length = name.copyTo(thread.bytes);
      if (node.isAt(directory, thread.bytes, length)) {
        table.displace(node);
        handles.pin(node);
      }
    }
  }

  /** A file of a node is open, by which the node is found as long as that is so. */
  public OpenDescriptor opened(long number, int descriptor) {
    OpenDescriptor file = new OpenDescriptor(descriptor);
    synchronized (table) {
      HostNode node = table.get(number);
      if (node != null) {
        file.addTo(node);
      }
    }
    return file;
  }

  /** It is about to be closed. */
  public void closing(long number, OpenDescriptor file) {
    synchronized (table) {
      HostNode node = table.get(number);
      if (node != null) {
        file.removeFrom(node);
      }
    }
  }

  /** Closes all handles. Nobody uses anything any more. */
  public void close(HostThread thread) {
    synchronized (table) {
      table.dropAll(thread);
      handles.close(thread, root);
    }
    thread.closeNow();
    allotment.leave();
  }
}
