// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.DirectoryIo;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.linux.files.StatFs;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.TreeStatistics;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;
import io.jkvm.devices.files.host.nodes.TreeAllotment;
import io.jkvm.devices.files.host.nodes.TreeBudget;
import java.nio.file.Path;

/**
 * A directory of the host and what is below it, also what is mounted there. In place of file
 * systems of the kernel's own (proc, sysfs, devtmpfs, cgroup2 and the like), of automounts and of
 * what a process serves (FUSE), there are empty directories that can't be changed; only the root
 * itself may lie in one of the latter. Devices can't be made and nothing but files and directories
 * is ever opened.
 *
 * <p><b>Identity.</b> An object is known by file system, inode number and mount, and by the time of
 * its birth where the file system has one, so that a reused number is noticed. All of the tree is
 * one file system to the guest, in which each of the host's has numbers of its own.
 *
 * <p><b>Bounds.</b> A node takes about 200 bytes of heap, 400 with the longest name; {@link
 * #DEFAULT_MAX_NODES} are 50 to 100 MiB, and a share has fewer where there are many. Some nodes are
 * held by a descriptor, and one more for each request under way; a node without one is found again
 * by its directory and name, and is ESTALE if something else is there. What loses its last known
 * name by the guest keeps its descriptor, as long as those are not more than half of all. Open
 * files and directories have one more each, and are EMFILE beyond what a {@link TreeBudget} has for
 * them.
 *
 * <p><b>Owners.</b> The guest sees those of the host. If this process runs as root, they are what
 * the guest makes of them. If not, all that is made belongs to this process's user, and giving that
 * user's files to the user, or to root, succeeds and changes nothing; all else is EPERM. No file
 * gets set-user-ID or set-group-ID bits, nor capabilities, whatever the policy of the share.
 *
 * <p>For platform threads that do nothing else: each has a umask of its own, 0, after it first made
 * something here.
 */
public final class HostTree implements FileTree {
  /** How many nodes a guest can hold if nothing else is said. */
  public static final int DEFAULT_MAX_NODES = TreeBudget.MOST_NODES;

  private final String name;
  private final ThreadLocal<HostThread> threads = ThreadLocal.withInitial(HostThread::ofGuest);

  /** For what any thread may have to do, such as one that closes a machine; its monitor is held. */
  private final HostThread anyThread = HostThread.ofHost();

  private final HostNodes nodes;
  private final HostChanges changes;
  private final HostMaking making;
  private final HostMoves moves;
  private final HostOpening opening;
  private final WrittenFileSystems written;

  /**
   * A tree with the usual bounds, in a process that has no other: a budget of its own.
   *
   * @param name for messages
   * @param directory the root; if it is a symbolic link, what that leads to now
   * @throws LinuxException naming the directory, if it is none, can't be read, or lies in a file
   *     system of the kernel's own
   */
  public HostTree(String name, Path directory) throws LinuxException {
    this(name, directory, TreeBudget.ofProcess());
  }

  /**
   * The same in a process that may have others.
   *
   * @param budget of all of them
   */
  public HostTree(String name, Path directory, TreeBudget budget) throws LinuxException {
    this(name, directory, budget.join(), new HostOwners());
  }

  /**
   * A tree whose open files are not counted.
   *
   * @param maxNodes how many the guest can know at once, 2 or more
   * @param maxHandles how many of these are held by a descriptor, 2 or more
   */
  public HostTree(String name, Path directory, int maxNodes, int maxHandles) throws LinuxException {
    this(name, directory, maxNodes, maxHandles, new HostOwners());
  }

  HostTree(String name, Path directory, int maxNodes, int maxHandles, HostOwners owners)
      throws LinuxException {
    this(name, directory, fixed(maxNodes, maxHandles), owners);
  }

  private static TreeAllotment fixed(int maxNodes, int maxHandles) {
    if (maxNodes < 2 || maxHandles < 2) {
      throw new IllegalArgumentException(maxNodes + " nodes with " + maxHandles + " handles");
    }
    return new TreeAllotment(maxHandles, maxNodes);
  }

  private HostTree(String name, Path directory, TreeAllotment allotment, HostOwners owners)
      throws LinuxException {
    this.name = name;
    HostRoot root = HostRoot.open(anyThread, directory, allotment);
    nodes = root.nodes();
    written = new WrittenFileSystems(nodes, root.descriptor());
    changes = new HostChanges(owners);
    moves = new HostMoves(nodes, written);
    making = new HostMaking(nodes, owners, moves);
    opening = new HostOpening(threads, nodes, making, written);
  }

  @Override
  public String name() {
    return name;
  }

  /** How many nodes there are, with the root. */
  public int knownNodes() {
    return nodes.size();
  }

  /** How many of the nodes have a descriptor. */
  public int openHandles() {
    return nodes.openHandles();
  }

  /** How many file systems {@link #sync} has to synchronize. */
  int writtenFileSystems() {
    return written.size();
  }

  @Override
  public int lookup(long parent, NativeName child, FileAttributes entry) {
    HostThread thread = threads.get();
    HostNode directory = nodes.use(thread, parent);
    if (directory == null) {
      return thread.error;
    }
    try {
      int result = nodes.lookup(thread, directory, child);
      return result < 0 ? result : HostAttributes.entry(thread, entry);
    } finally {
      nodes.done(thread, directory);
    }
  }

  @Override
  public void forget(long node, long count) {
    nodes.forget(threads.get(), node, count);
  }

  @Override
  public void forgetAll() {
    synchronized (anyThread) {
      nodes.forgetAll(anyThread);
    }
  }

  @Override
  public int attributes(long number, FileAttributes into) {
    HostThread thread = threads.get();
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      return HostAttributes.read(thread, node, into);
    } finally {
      nodes.done(thread, node);
    }
  }

  @Override
  public int change(
      Caller caller, long number, OpenFile file, AttributeChange change, FileAttributes into) {
    HostThread thread = threads.get();
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      written.add(thread, node);
      int result = changes.apply(thread, node, file, change);
      return result < 0 ? result : HostAttributes.read(thread, node, into);
    } finally {
      nodes.done(thread, node);
    }
  }

  @Override
  public int readLink(long number, NativeMemory target) {
    HostThread thread = threads.get();
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      if (node.isDirectory()) {
        return -Errno.EINVAL;
      }
      int size = target.buffer().capacity();
      int result = HandleIo.readlink(node.handle(), target.address(), size);
      return result == -Errno.ENOENT ? -Errno.EINVAL : result;
    } finally {
      nodes.done(thread, node);
    }
  }

  @Override
  public int makeDirectory(
      Caller caller, long parent, NativeName child, int mode, FileAttributes entry) {
    return making.makeDirectory(threads.get(), caller, parent, child, mode, entry);
  }

  @Override
  public int makeNode(
      Caller caller, long parent, NativeName child, int mode, int device, FileAttributes entry) {
    return making.makeNode(threads.get(), caller, parent, child, mode, entry);
  }

  @Override
  public int makeSymbolicLink(
      Caller caller, long parent, NativeName child, NativeName target, FileAttributes entry) {
    return making.makeSymbolicLink(threads.get(), caller, parent, child, target, entry);
  }

  @Override
  public int link(long node, long newParent, NativeName newName, FileAttributes entry) {
    return making.link(threads.get(), node, newParent, newName, entry);
  }

  @Override
  public int unlink(long parent, NativeName child) {
    return moves.remove(threads.get(), parent, child, 0);
  }

  @Override
  public int removeDirectory(long parent, NativeName child) {
    return moves.remove(threads.get(), parent, child, DirectoryIo.AT_REMOVEDIR);
  }

  @Override
  public int rename(long parent, NativeName child, long newParent, NativeName newName, int flags) {
    return moves.rename(threads.get(), parent, child, newParent, newName, flags);
  }

  @Override
  public int open(Caller caller, long node, int flags, OpenResult result) {
    return opening.open(threads.get(), node, flags, result);
  }

  @Override
  public int create(
      Caller caller,
      long parent,
      NativeName child,
      int mode,
      int flags,
      FileAttributes entry,
      OpenResult result) {
    return opening.create(threads.get(), caller, parent, child, mode, flags, entry, result);
  }

  @Override
  public int openDirectory(long node, OpenResult result) {
    return opening.openDirectory(threads.get(), node, result);
  }

  @Override
  public int statistics(long number, TreeStatistics into) {
    HostThread thread = threads.get();
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      StatFs from = thread.fileSystem;
      int result = from.read(node.isSpecial() ? nodes.root().handle() : node.handle());
      if (result == 0) {
        into.blocks = from.blocks();
        into.freeBlocks = from.freeBlocks();
        into.availableBlocks = from.availableBlocks();
        into.files = from.files();
        into.freeFiles = from.freeFiles();
        into.blockBytes = (int) from.blockSize();
        into.fragmentBytes = (int) from.fragmentSize();
        into.nameBytes = (int) from.nameLength();
      }
      return result;
    } finally {
      nodes.done(thread, node);
    }
  }

  @Override
  public int sync() {
    return written.sync();
  }

  /** The kernel does, for threads without CAP_FSETID, and those that serve have none. */
  @Override
  public boolean clearsPrivileges() {
    return true;
  }

  @Override
  public boolean hasRoom() {
    return nodes.allotment().hasRoom();
  }

  @Override
  public void takeRoom(int count) {
    nodes.allotment().takeRoom(count);
  }

  /** Some file systems below may have them. */
  @Override
  public boolean hasExtendedAttributes() {
    return true;
  }

  @Override
  public int extendedAttribute(long number, NativeName attribute, NativeMemory value, int size) {
    HostThread thread = threads.get();
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      return HostXattrs.get(thread, node, attribute, value, size);
    } finally {
      nodes.done(thread, node);
    }
  }

  @Override
  public int setExtendedAttribute(
      long number, NativeName attribute, NativeMemory value, int size, int flags) {
    HostThread thread = threads.get();
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      written.add(thread, node);
      return HostXattrs.set(thread, node, attribute, value, size, flags);
    } finally {
      nodes.done(thread, node);
    }
  }

  @Override
  public int extendedAttributeNames(long number, NativeMemory list, int size) {
    HostThread thread = threads.get();
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      return HostXattrs.list(thread, node, list, size);
    } finally {
      nodes.done(thread, node);
    }
  }

  @Override
  public int removeExtendedAttribute(long number, NativeName attribute) {
    HostThread thread = threads.get();
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      written.add(thread, node);
      return HostXattrs.remove(thread, node, attribute);
    } finally {
      nodes.done(thread, node);
    }
  }

  @Override
  public void close() {
    written.close();
    synchronized (anyThread) {
      nodes.close(anyThread);
    }
  }
}
