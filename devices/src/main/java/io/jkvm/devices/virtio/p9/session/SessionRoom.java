// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import io.jkvm.devices.files.FileTree;

/**
 * The memory of a session's fids and places, in which its client chooses how many there are: some
 * are the session's own, all beyond them have to share the tree's room with what other clients of
 * this process have. Not thread-safe.
 */
final class SessionRoom {
  /** How many there can be in any case. */
  static final int OWN = 1 << 13;

  private final FileTree tree;
  private int used;

  SessionRoom(FileTree tree) {
    this.tree = tree;
  }

  /** Whether there is room for one more. */
  boolean hasMore() {
    return used < OWN || tree.hasRoom();
  }

  /** So many more are there, or fewer. */
  void take(int count) {
    int before = Math.max(0, used - OWN);
    used += count;
    int more = Math.max(0, used - OWN) - before;
    if (more != 0) {
      tree.takeRoom(more);
    }
  }
}
