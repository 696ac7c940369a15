// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

/** What one share has of a {@link DescriptorPool}. For any thread. */
public final class DescriptorShare {
  private final DescriptorPool pool;
  private final int fixedHandles;

  // Guarded by this.
  private int files;
  private int common;

  DescriptorShare(DescriptorPool pool) {
    this.pool = pool;
    fixedHandles = 0;
  }

  /**
   * Of no pool: open files are not counted.
   *
   * @param handles how many there may be
   */
  public DescriptorShare(int handles) {
    pool = null;
    fixedHandles = handles;
  }

  /** How many nodes may have a handle while nobody uses them. */
  int handles() {
    return pool == null ? fixedHandles : pool.handlesOfEach();
  }

  /** Takes a descriptor for an open file or directory; false if there is none to be had. */
  public synchronized boolean take() {
    if (pool != null && files - common >= pool.filesOfEach()) {
      if (!pool.takeCommon()) {
        return false;
      }
      common++;
    }
    files++;
    return true;
  }

  /** Gives one back; it has been closed. */
  public synchronized void giveBack() {
    files--;
    if (common > 0) {
      common--;
      pool.returnCommon();
    }
  }

  /** The share has nothing any more. */
  public void leave() {
    if (pool != null) {
      pool.leave();
    }
  }
}
