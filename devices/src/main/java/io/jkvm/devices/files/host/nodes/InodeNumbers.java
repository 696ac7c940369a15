// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import java.util.Arrays;

/**
 * The inode numbers that a guest sees, for which all of a tree is one file system: the host's with
 * a number for the host's file system above, 0 for the first. Thus they stay the same when a node
 * is forgotten and found again. What does not fit gets a number of its own. For any thread.
 */
final class InodeNumbers {
  private static final int INODE_BITS = 48;
  private static final int MOST = 1024;
  private static final long OWN = 1L << 63;

  /** Neither bit of the numbers of nodes nor of those with a file system. */
  private static final long GUESS = 1L << 62;

  // Guarded by this.
  private long[] devices = new long[4];
  private int count;

  /** The number of a node's inode. */
  long of(long device, long inode, long nodeNumber) {
    int index = inode >>> INODE_BITS == 0 && inode != 0 ? index(device) : -1;
    return index < 0 ? OWN | nodeNumber : (long) index << INODE_BITS | inode;
  }

  /** The number of an inode of which there may be no node: the same, or some other. */
  long guess(long device, long inode) {
    int index = inode >>> INODE_BITS == 0 && inode != 0 ? index(device) : -1;
    return index < 0 ? GUESS | inode & GUESS - 1 : (long) index << INODE_BITS | inode;
  }

  private synchronized int index(long device) {
    for (int i = 0; i < count; i++) {
      if (devices[i] == device) {
        return i;
      }
    }
    if (count == MOST) {
      return -1;
    }
    if (count == devices.length) {
      devices = Arrays.copyOf(devices, 2 * count);
    }
    devices[count] = device;
    count++;
    return count - 1;
  }
}
