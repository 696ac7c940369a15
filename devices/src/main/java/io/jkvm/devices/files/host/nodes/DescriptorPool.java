// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.DescriptorLimit;
import io.jkvm.core.linux.LinuxException;

/**
 * The descriptors of a process that shares may have, for all of its shares together: three quarters
 * of what the process may open, so that disks, networks and the JVM find some whatever guests do.
 * One half of these is for handles, of which each share has an equal part. Of the other half, for
 * open files and directories, a part is each share's own, so that it can open some when others hold
 * all they can get; the rest is for who comes first. For any thread.
 */
public final class DescriptorPool {
  private static final int MOST = 1 << 20;
  private static final int LEAST_HANDLES = 16;
  private static final int MOST_HANDLES = 1 << 14;

  /** Parts are made for this many shares, if there are fewer: others may be made later. */
  private static final int LEAST_MEMBERS = 2;

  private final int handles;
  private final int files;

  // Guarded by this.
  private int members;
  private int common;

  // Written with the monitor held.
  private volatile int handlesOfEach;
  private volatile int filesOfEach;

  /**
   * A pool.
   *
   * @param descriptors how many all shares may have together; some more while requests are under
   *     way, and where shares are added to a pool that was used up
   */
  public DescriptorPool(int descriptors) {
    handles = descriptors / 2;
    files = descriptors - handles;
    divide();
  }

  /**
   * One for all shares of this process, whose soft limit is raised first.
   *
   * @throws LinuxException if that fails
   */
  public static DescriptorPool ofProcess() throws LinuxException {
    long limit = DescriptorLimit.raise().soft();
    long some = Long.compareUnsigned(limit, MOST) > 0 ? MOST : limit;
    return new DescriptorPool((int) (some - some / 4));
  }

  private void divide() {
    int parts = Math.max(LEAST_MEMBERS, members);
    handlesOfEach = Math.max(LEAST_HANDLES, Math.min(MOST_HANDLES, handles / parts));
    filesOfEach = files / 2 / parts;
  }

  /** A part for one more share. */
  public synchronized DescriptorShare join() {
    members++;
    divide();
    return new DescriptorShare(this);
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
