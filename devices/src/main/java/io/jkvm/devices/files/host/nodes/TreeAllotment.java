// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

/** What one share has of a {@link TreeBudget}. For any thread. */
public final class TreeAllotment {
  private final TreeBudget budget;
  private final int fixedHandles;
  private final int fixedNodes;

  // Guarded by this.
  private int files;
  private int common;

  TreeAllotment(TreeBudget budget) {
    this.budget = budget;
    fixedHandles = 0;
    fixedNodes = 0;
  }

  /**
   * Of no budget: open files are not counted.
   *
   * @param handles how many there may be
   * @param nodes the same
   */
  public TreeAllotment(int handles, int nodes) {
    budget = null;
    fixedHandles = handles;
    fixedNodes = nodes;
  }

  /** Whether there may be one more node beside so many. */
  boolean hasNode(int size) {
    return size < mostNodes()
        && (budget == null || size < TreeBudget.OWN_NODES || budget.hasNode());
  }

  /** Whether with so many nodes three quarters of what there may be are there. */
  boolean nodesRunLow(int size) {
    return size > mostNodes() - mostNodes() / 4
        || budget != null && size >= TreeBudget.OWN_NODES && budget.nodesRunLow();
  }

  private int mostNodes() {
    return budget == null ? fixedNodes : TreeBudget.MOST_NODES;
  }

  /** There was one node fewer before; there are so many now. */
  void nodeAdded(int size) {
    if (budget != null && size > TreeBudget.OWN_NODES) {
      budget.takeNodes(1);
    }
  }

  /** There was one node more before. */
  void nodeRemoved(int size) {
    if (budget != null && size >= TreeBudget.OWN_NODES) {
      budget.takeNodes(-1);
    }
  }

  /** Whether the budget has room for something as large as a node that is none of these. */
  public boolean hasRoom() {
    return budget == null || budget.hasNode();
  }

  /** So many more of these are there, or fewer. */
  public void takeRoom(int count) {
    if (budget != null) {
      budget.takeNodes(count);
    }
  }

  /** How many nodes may have a handle while nobody uses them. */
  int handles() {
    return budget == null ? fixedHandles : budget.handlesOfEach();
  }

  /** Takes a descriptor for an open file or directory; false if there is none to be had. */
  public synchronized boolean take() {
    if (budget != null && files - common >= budget.filesOfEach()) {
      if (!budget.takeCommon()) {
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
      budget.returnCommon();
    }
  }

  /** The share has nothing any more. */
  public void leave() {
    if (budget != null) {
      budget.leave();
    }
  }
}
