// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.DescriptorLimit;
import io.jkvm.core.linux.LinuxException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the shares of a process may have of it, all of them together. For any thread.
 *
 * <p>Descriptors: three quarters of what the process may open, so that disks, networks and the JVM
 * find some whatever guests do. One half of these is for handles, of which each share has an equal
 * part. Of the other half, for open files and directories, a part is each share's own, so that it
 * can open some when others hold all they can get; the rest is for who comes first.
 *
 * <p>Nodes: each share has a few of its own, and none more than {@link #MOST_NODES}. All beyond the
 * former, together with what a protocol keeps of files by itself, are no more than half of the heap
 * has room for, and are for who comes first.
 */
public final class TreeBudget {
  /** How many nodes a share can have. */
  public static final int MOST_NODES = 1 << 18;

  /** How many it can have in any case. */
  static final int OWN_NODES = 1 << 12;

  /** With the longest of names. */
  private static final int NODE_BYTES = 400;

  private static final int MOST = 1 << 20;
  private static final int LEAST_HANDLES = 16;
  private static final int MOST_HANDLES = 1 << 14;

  /** Parts are made for this many shares, if there are fewer: others may be made later. */
  private static final int LEAST_MEMBERS = 2;

  private final int handles;
  private final int files;
  private final long commonNodes;
  private final AtomicLong takenNodes = new AtomicLong();

  // Guarded by this.
  private int members;
  private int common;

  // Written with the monitor held.
  private volatile int handlesOfEach;
  private volatile int filesOfEach;

  /**
   * A budget.
   *
   * @param descriptors how many all shares may have together; some more while requests are under
   *     way, and where shares are added to a budget that was used up
   * @param commonNodes how many nodes they may have together, beyond those of their own
   */
  public TreeBudget(int descriptors, long commonNodes) {
    this.commonNodes = commonNodes;
    handles = descriptors / 2;
    files = descriptors - handles;
    divide();
  }

  /**
   * One for all shares of this process, whose soft limit is raised first.
   *
   * @throws LinuxException if that fails
   */
  public static TreeBudget ofProcess() throws LinuxException {
    long limit = DescriptorLimit.raise().soft();
    long some = Long.compareUnsigned(limit, MOST) > 0 ? MOST : limit;
    long nodes = Runtime.getRuntime().maxMemory() / 2 / NODE_BYTES;
    return new TreeBudget((int) (some - some / 4), nodes);
  }

  private void divide() {
    int parts = Math.max(LEAST_MEMBERS, members);
    handlesOfEach = Math.max(LEAST_HANDLES, Math.min(MOST_HANDLES, handles / parts));
    filesOfEach = files / 2 / parts;
  }

  /** A part for one more share. */
  public synchronized TreeAllotment join() {
    members++;
    divide();
    return new TreeAllotment(this);
  }

  synchronized void leave() {
    members--;
    divide();
  }

  int handlesOfEach() {
    return handlesOfEach;
  }

  int filesOfEach() {
    return filesOfEach;
  }

  /** Whether a share with more than its own can have another node. */
  boolean hasNode() {
    return takenNodes.get() < commonNodes;
  }

  /** Whether three quarters of those are taken. */
  boolean nodesRunLow() {
    return takenNodes.get() > commonNodes - commonNodes / 4;
  }

  /** As many more are taken, or fewer. */
  void takeNodes(int count) {
    takenNodes.addAndGet(count);
  }

  synchronized boolean takeCommon() {
    if (common >= files - files / 2) {
      return false;
    }
    common++;
    return true;
  }

  synchronized void returnCommon() {
    common--;
  }
}
