// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

/**
 * A change to the features that CPUID shows.
 *
 * @param name as in {@code /proc/cpuinfo}
 * @param visible whether the guest sees it
 */
public record CpuFeatureChange(String name, boolean visible) {
  @Override
  public String toString() {
    return (visible ? "+" : "-") + name;
  }
}
