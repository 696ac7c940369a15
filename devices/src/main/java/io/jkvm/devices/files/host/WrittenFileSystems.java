// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.files.FileDataIo;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.OpenHow;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;
import java.util.Arrays;

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

  /** Held while a descriptor that has a place is synchronized, which may take long; before this. */
  private final Object syncing = new Object();

  /**
   * The first of all, which stays: the host tells of what it lost only once. Guarded by syncing.
   */
  private int error;

  // Guarded by this, and so is that a place has its descriptor: who takes one away holds both.
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

  private void add(long device, int descriptor) {
    if (!addIfRoom(device, descriptor)) {
      synchronized (syncing) {
        replaceOldest(device, descriptor);
      }
    }
  }

  private synchronized boolean addIfRoom(long device, int descriptor) {
    if (has(device)) {
      HandleIo.close(descriptor);
      return true;
    }
    if (count == MOST) {
      return false;
    }
    devices[count] = device;
    descriptors[count] = descriptor;
    count++;
    return true;
  }

  /**
   * The caller holds {@link #syncing}, so that whoever synchronizes all waits for the one that has
   * no place any more, too.
   */
  private void replaceOldest(long device, int descriptor) {
    int before = exchangeOldest(device, descriptor);
    if (before != descriptor) {
      failed(FileDataIo.syncfs(before));
    }
    HandleIo.close(before);
  }

  /** The descriptor that has no place, which is the new one if another thread was first. */
  private synchronized int exchangeOldest(long device, int descriptor) {
    if (has(device)) {
      return descriptor;
    }
    int before = descriptors[oldest];
    devices[oldest] = device;
    descriptors[oldest] = descriptor;
    oldest = (oldest + 1) % MOST;
    return before;
  }

  /** How many there are, the root's included; each is a syncfs(2). */
  synchronized int size() {
    return count + (rootIsWritten ? 1 : 0);
  }

  /**
   * Returns when all that was written is on stable storage.
   *
   * @return 0, or the first error that there has ever been, negated
   */
  int sync() {
    synchronized (syncing) {
      failed(rootIsWritten ? FileDataIo.syncfs(rootDescriptor) : 0);
      for (int descriptor : written()) {
        failed(FileDataIo.syncfs(descriptor));
      }
      return error;
    }
  }

  private void failed(int result) {
    error = error < 0 ? error : result;
  }

  private synchronized int[] written() {
    return Arrays.copyOf(descriptors, count);
  }

  void close() {
    synchronized (syncing) {
      for (int descriptor : written()) {
        HandleIo.close(descriptor);
      }
      clear();
    }
    HandleIo.close(rootDescriptor);
  }

  private synchronized void clear() {
    count = 0;
  }
}
