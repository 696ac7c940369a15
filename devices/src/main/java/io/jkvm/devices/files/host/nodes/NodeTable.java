// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.files.Statx;
import io.jkvm.devices.files.FileTree;

/**
 * The nodes, by number and by inode. A node is there as long as the guest has references to it,
 * somebody uses it, or it is the way to another one. Everything here is done by those who have the
 * lock, which is this object, and never a system call.
 */
final class NodeTable {
  private static final int FIRST_SIZE = 256;

  /** In place of a device number: the inode number is that of a mount. */
  private static final long MOUNTS = -1;

  private static final int MOST_SPARE = 4096;
  private static final long MIX = 0x9e37_79b9_7f4a_7c15L;

  private final TreeAllotment allotment;
  private final HandleCache handles;
  private final InodeNumbers numbers;
  private final HostNode root;
  private HostNode[] byNumber = new HostNode[FIRST_SIZE];
  private HostNode[] byInode = new HostNode[FIRST_SIZE];
  private int size;
  private long lastNumber;

  // Those that are gone, linked by nextByNumber, so that what comes next makes no garbage.
  private HostNode spare;
  private int spareCount;

  /** A table with the root alone, as it was read. */
  NodeTable(TreeAllotment allotment, HandleCache handles, InodeNumbers numbers, Statx rootStat) {
    this.allotment = allotment;
    this.handles = handles;
    this.numbers = numbers;
    root = add(rootStat);
  }

  HostNode root() {
    return root;
  }

  int size() {
    return size;
  }

  boolean isFull() {
    return !allotment.hasNode(size);
  }

  /** Whether three quarters of the places are taken. */
  boolean isNearlyFull() {
    return allotment.nodesRunLow(size);
  }

  /** The node of a number; null if there is none. */
  HostNode get(long number) {
    HostNode node = byNumber[slot(number)];
    while (node != null && node.number != number) {
      node = node.nextByNumber;
    }
    return node;
  }

  private int slot(long hash) {
    return (int) (hash * MIX >>> 32) & byNumber.length - 1;
  }

  private static long hash(long device, long inode) {
    return inode + device * MIX;
  }

  /**
   * The node of the inode that a thread has read; null if there is none. One that had its place on
   * the file system before is not found any more.
   */
  HostNode find(HostThread thread) {
    Statx stat = thread.stat;
    HostNode node = byInode[slot(hash(stat.device(), stat.inode()))];
    while (node != null && !node.hasPlaceOf(stat)) {
      node = node.nextByKey;
    }
    // One with a handle is held, so nothing else can have its place.
    if (node != null && node.handle < 0 && !node.is(stat)) {
      HostNode parent = node.parent;
      unkey(node);
      displace(node);
      drop(thread, parent);
      return null;
    }
    return node;
  }

  /** The node of a mount that is shown as an empty directory. */
  HostNode findSpecial(long mountId) {
    HostNode node = byInode[slot(hash(MOUNTS, mountId))];
    while (node != null && !(node.special && node.inode == mountId)) {
      node = node.nextByKey;
    }
    return node;
  }

  /** A new node for an inode that was read. There is room, and no node of it. */
  HostNode add(Statx stat) {
    HostNode node = next();
    node.identify(stat);
    node.shown = numbers.of(node.device, node.inode, node.number);
    put(node);
    return node;
  }

  HostNode addSpecial(long mountId) {
    HostNode node = next();
    node.special = true;
    node.device = MOUNTS;
    node.inode = mountId;
    node.shown = numbers.of(MOUNTS, 0, node.number);
    put(node);
    return node;
  }

  private HostNode next() {
    HostNode node = spare;
    if (node == null) {
      node = new HostNode();
    } else {
      spare = node.nextByNumber;
      spareCount--;
    }
    lastNumber = lastNumber == 0 ? FileTree.ROOT : lastNumber + 1;
    node.reset(lastNumber);
    return node;
  }

  private void put(HostNode node) {
    if (size >= byNumber.length) {
      grow();
    }
    size++;
    allotment.nodeAdded(size);
    insert(node);
    key(node);
  }

  private void insert(HostNode node) {
    int slot = slot(node.number);
    node.nextByNumber = byNumber[slot];
    byNumber[slot] = node;
  }

  private void key(HostNode node) {
    int slot = slot(hash(node.device, node.inode));
    node.nextByKey = byInode[slot];
    byInode[slot] = node;
    node.keyed = true;
  }

  private void unkey(HostNode node) {
    if (!node.keyed) {
      return;
    }
    node.keyed = false;
    int slot = slot(hash(node.device, node.inode));
    HostNode at = byInode[slot];
    if (at == node) {
      byInode[slot] = node.nextByKey;
    } else {
      while (at.nextByKey != node) {
        at = at.nextByKey;
      }
      at.nextByKey = node.nextByKey;
    }
    node.nextByKey = null;
  }

  private void grow() {
    HostNode[] before = byNumber;
    byNumber = new HostNode[2 * before.length];
    byInode = new HostNode[2 * before.length];
    for (HostNode first : before) {
      HostNode node = first;
      while (node != null) {
        HostNode next = node.nextByNumber;
        insert(node);
        if (node.keyed) {
          key(node);
        }
        node = next;
      }
    }
  }

  /**
   * A node is known by a name now, and not by the one before.
   *
   * @param directory in use
   */
  void place(HostThread thread, HostNode node, HostNode directory, byte[] name, int length) {
    if (node == root || node == directory || node.isAt(directory, name, length)) {
      return;
    }
    if (node.children > 0) {
      breakCycle(node, directory);
    }
    HostNode before = node.parent;
    directory.children++;
    node.parent = directory;
    node.rename(name, length);
    handles.unpin(node);
    if (before != null) {
      before.children--;
      drop(thread, before);
    }
  }

  /** If others moved a directory to below itself, as it was known, what was known is wrong. */
  private void breakCycle(HostNode node, HostNode directory) {
    HostNode at = directory;
    while (at != null && at.parent != node) {
      at = at.parent;
    }
    if (at != null) {
      displace(at);
    }
  }

  /** A node has no name any more that is known; its directory may have nothing in it then. */
  void displace(HostNode node) {
    if (node.parent != null) {
      node.parent.children--;
      node.parent = null;
    }
  }

  /** Drops a node that nobody needs, and the directories that only led to it. */
  void drop(HostThread thread, HostNode first) {
    HostNode node = first;
    while (node != null
        && node.references == 0
        && node.users == 0
        && node.children == 0
        && node != root) {
      HostNode parent = node.parent;
      displace(node);
      remove(thread, node);
      node = parent;
    }
  }

  private void remove(HostThread thread, HostNode node) {
    unkey(node);
    handles.close(thread, node);
    int slot = slot(node.number);
    HostNode at = byNumber[slot];
    if (at == node) {
      byNumber[slot] = node.nextByNumber;
    } else {
      while (at.nextByNumber != node) {
        at = at.nextByNumber;
      }
      at.nextByNumber = node.nextByNumber;
    }
    size--;
    allotment.nodeRemoved(size);
    node.number = 0;
    node.nextByNumber = null;
    if (spareCount < MOST_SPARE) {
      node.nextByNumber = spare;
      spare = node;
      spareCount++;
    }
  }

  /** Nobody has references any more. */
  void dropAll(HostThread thread) {
    for (HostNode first : byNumber) {
      for (HostNode node = first; node != null; node = node.nextByNumber) {
        node.references = 0;
      }
    }
    for (int i = 0; i < byNumber.length; i++) {
      HostNode node = byNumber[i];
      while (node != null) {
        int before = size;
        drop(thread, node);
        // With it, others of the same slot may be gone.
        node = size == before ? node.nextByNumber : byNumber[i];
      }
    }
  }
}
