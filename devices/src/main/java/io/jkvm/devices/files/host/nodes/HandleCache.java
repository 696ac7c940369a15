// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

/**
 * Which nodes have a handle: at most so many, and those that nobody uses lose it in the order of
 * their last use. Besides there may be one for each node in use. Guarded by the lock of the {@link
 * NodeTable}.
 */
final class HandleCache {
  private final TreeAllotment allotment;
  private int open;
  private int pinned;

  // Nodes with a handle that nobody uses and that are not pinned.
  private HostNode oldest;
  private HostNode newest;

  HandleCache(TreeAllotment allotment) {
    this.allotment = allotment;
  }

  int open() {
    return open;
  }

  void use(HostNode node) {
    unlist(node);
    node.users++;
  }

  /** One user less. */
  void release(HostThread thread, HostNode node) {
    node.users--;
    listIfUnused(node);
    trim(thread);
  }

  private void listIfUnused(HostNode node) {
    if (node.users == 0 && node.handle >= 0 && !node.pinned && !node.listed) {
      node.listed = true;
      node.older = newest;
      node.newer = null;
      if (newest == null) {
        oldest = node;
      } else {
        newest.newer = node;
      }
      newest = node;
    }
  }

  private void unlist(HostNode node) {
    if (!node.listed) {
      return;
    }
    node.listed = false;
    if (node.older == null) {
      oldest = node.newer;
    } else {
      node.older.newer = node.newer;
    }
    if (node.newer == null) {
      newest = node.older;
    } else {
      node.newer.older = node.older;
    }
    node.older = null;
    node.newer = null;
  }

  /** A node has a handle now. */
  void opened(HostThread thread, HostNode node, int handle) {
    node.handle = handle;
    open++;
    listIfUnused(node);
    trim(thread);
  }

  /** A node is to have none any more. */
  void close(HostThread thread, HostNode node) {
    unlist(node);
    if (node.pinned) {
      node.pinned = false;
      pinned--;
    }
    if (node.handle >= 0) {
      thread.closeLater(node.handle);
      node.handle = HostNode.NO_HANDLE;
      open--;
    }
  }

  private void trim(HostThread thread) {
    while (open > allotment.handles() && oldest != null) {
      close(thread, oldest);
    }
  }

  /** Closes some, since the process has no descriptors left. */
  boolean shrink(HostThread thread, int count) {
    int left = count;
    while (left > 0 && oldest != null) {
      close(thread, oldest);
      left--;
    }
    return left < count;
  }

  /** The handle is all there is of a node: half of them may be such. */
  void pin(HostNode node) {
    if (!node.pinned && node.handle >= 0 && pinned < allotment.handles() / 2) {
      unlist(node);
      node.pinned = true;
      pinned++;
    }
  }

  void unpin(HostNode node) {
    if (node.pinned) {
      node.pinned = false;
      pinned--;
      listIfUnused(node);
    }
  }
}
