// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.files.FileDataIo;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.OpenHow;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;

/**
 * The file systems that the guest may have written to, by an open directory or file of each: of
 * others than the root's those that were written to last. One that has no place any more is
 * synchronized when it loses it. What the guest has only read is none of them: the host may have
 * much there that is not on stable storage, and none of it is the guest's. For any thread.
 */
final class WrittenFileSystems {
  private static final int MOST = 64;

  private final HostNodes nodes;
  private final int rootDescriptor;
  private volatile boolean rootIsWritten;

  // Guarded by this.
  private final long[] devices = new long[MOST];
  private final int[] descriptors = new int[MOST];
  private int count;
  private int oldest;

  /**
   * None yet.
   *
   * @param rootDescriptor closed with this
   */
  WrittenFileSystems(HostNodes nodes, int rootDescriptor) {
    this.nodes = nodes;
    this.rootDescriptor = rootDescriptor;
  }

  /** A node in use is about to be changed, or something in it, or its contents. */
  void add(HostThread thread, HostNode node) {
    long device = node.device();
    if (node.isSpecial()) {
      return;
    }
    if (device == nodes.root().device()) {
      markRoot();
      return;
    }
    if (has(device)) {
      return;
    }
    int descriptor = open(thread, node);
    if (descriptor >= 0) {
      add(device, descriptor);
    }
  }

  /**
   * Each request that changes something comes here, and a volatile write costs more than a read.
   */
  private void markRoot() {
    if (!rootIsWritten) {
      rootIsWritten = true;
    }
  }

  private synchronized boolean has(long device) {
    for (int i = 0; i < count; i++) {
      if (devices[i] == device) {
        return true;
      }
    }
    return false;
  }

  /** A directory if there is one, since an open file keeps its space when it is removed. */
  private int open(HostThread thread, HostNode node) {
    if (!node.isDirectory() && !node.isMountRoot()) {
      HostNode parent = nodes.useParent(thread, node);
      if (parent != null) {
        try {
          return nodes.reopen(thread, parent, OpenHow.O_RDONLY);
        } finally {
          nodes.done(thread, parent);
        }
      }
    }
    return nodes.reopen(thread, node, OpenHow.O_RDONLY);
  }

  private synchronized void add(long device, int descriptor) {
    if (has(device)) {
      HandleIo.close(descriptor);
    } else if (count < MOST) {
      devices[count] = device;
      descriptors[count] = descriptor;
      count++;
    } else {
      FileDataIo.syncfs(descriptors[oldest]);
      HandleIo.close(descriptors[oldest]);
      devices[oldest] = device;
      descriptors[oldest] = descriptor;
      oldest = (oldest + 1) % MOST;
    }
  }

  /** How many there are, the root's included; each is a syncfs(2). */
  synchronized int size() {
    return count + (rootIsWritten ? 1 : 0);
  }

  /** Returns when all that was written is on stable storage; the first error, negated. */
  int sync() {
    int result = rootIsWritten ? FileDataIo.syncfs(rootDescriptor) : 0;
    synchronized (this) {
      for (int i = 0; i < count; i++) {
        int other = FileDataIo.syncfs(descriptors[i]);
        result = result < 0 ? result : other;
      }
    }
    return result;
  }

  synchronized void close() {
    for (int i = 0; i < count; i++) {
      HandleIo.close(descriptors[i]);
    }
    count = 0;
    HandleIo.close(rootDescriptor);
  }
}
