// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.util.List;

/**
 * One way to serve a disk.
 *
 * @param name as it is in tables
 * @param group whose it is
 * @param direct past the host's page cache (O_DIRECT)
 * @param registers whether it is measured for what has nothing to do with disks; it has a network
 * @param vcpuThread how the name of the thread begins that runs the guest
 * @param command starts the machine; empty for the bare host
 */
public record Contender(
    String name,
    Group group,
    boolean direct,
    boolean registers,
    String vcpuThread,
    List<String> command) {
  /** Who serves it. */
  public enum Group {
    JKVM,
    QEMU,
    HOST
  }

  /**
   * What the page cache holds when a step begins. Nothing if it is gone past: pages of it in the
   * cache would have to be looked for and dropped with each write.
   */
  Step.Cache wanted(Step step) {
    return direct ? Step.Cache.COLD : step.cache();
  }

  /** Whether a step says anything about it. */
  public boolean takes(Step step) {
    if (step.access() != Step.Access.DISK) {
      return registers;
    }
    // Past the page cache it does not matter what that holds; the cold step has it already.
    return !direct || step.cache() == Step.Cache.COLD || !step.isRead();
  }
}
