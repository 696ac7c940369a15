// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

/**
 * The descriptor of a file that is open. Its node can be reached by it when the host has given all
 * names of the file to others, or has removed them.
 */
public final class OpenDescriptor {
  private final int descriptor;

  // Guarded by the lock of the node table: the others of the same node.
  private OpenDescriptor older;
  private OpenDescriptor newer;

  OpenDescriptor(int descriptor) {
    this.descriptor = descriptor;
  }

  /** As long as it is open: see {@link HostNodes#closing}. */
  public int descriptor() {
    return descriptor;
  }

  void addTo(HostNode node) {
    older = node.newestFile;
    if (older != null) {
      older.newer = this;
    }
    node.newestFile = this;
  }

  void removeFrom(HostNode node) {
    if (newer != null) {
      newer.older = older;
    } else if (node.newestFile == this) {
      node.newestFile = older;
    }
    if (older != null) {
      older.newer = newer;
    }
    older = null;
    newer = null;
  }
}
