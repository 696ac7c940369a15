// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;

/**
 * A change to the features that CPUID shows.
 *
 * @param name as in {@code /proc/cpuinfo}
 * @param visible whether the guest sees it
 */
public record CpuFeatureChange(String name, boolean visible) {
  /**
   * Checks that it is whole.
   *
   * @throws MachineException with {@link Problem#INCOMPLETE}
   */
  public CpuFeatureChange {
    SpecChecks.whole(name, "the name of a processor feature");
  }

  @Override
  public String toString() {
    return (visible ? "+" : "-") + name;
  }
}
