// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.probe.RingZeroFeature;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CpuidPolicyTest {
  private static final int POPCNT = 1 << 23;
  private static final int XSAVE_OSXSAVE_AVX = 7 << 26;
  private static final int ERMS = 1 << 9;
  private static final int HYPERVISOR = 1 << 31;
  private static final Cpuid ALL =
      new Cpuid(
          List.of(
              new Cpuid.Entry(1, 0, 0, -1, -1, -1, -1), new Cpuid.Entry(7, 0, 1, -1, -1, -1, -1)));

  private static Cpuid.Entry leaf(int leaf, HostCapabilities host, String... changes) {
    return CpuidPolicy.of(host, List.of(changes))
        .apply(ALL, new CpuTopology(1), 0)
        .find(leaf, 0)
        .orElseThrow();
  }

  private static HostCapabilities host(boolean interprets, RingZeroFeature... missing) {
    return new HostCapabilities(interprets, !interprets, Set.of(missing), Set.of());
  }

  @Test
  void aCompleteHostHidesNothing() {
    assertEquals(-1, leaf(1, HostCapabilities.COMPLETE).ecx());
    assertEquals(-1, leaf(7, HostCapabilities.COMPLETE).ebx());
  }

  @Test
  void whatTheProbeMissedIsHidden() {
    assertEquals(~POPCNT, leaf(1, host(false, RingZeroFeature.POPCNT)).ecx());
    assertEquals(-1, leaf(7, host(false, RingZeroFeature.POPCNT)).ebx());
  }

  @Test
  void whatNeedsXsaveGoesWithIt() {
    int ecx = leaf(1, host(false, RingZeroFeature.XSAVE)).ecx();
    assertEquals(0, ecx & XSAVE_OSXSAVE_AVX);
    assertEquals(HYPERVISOR, ecx & HYPERVISOR);
  }

  @Test
  void byteStringsAreHiddenWhereTheyAreInterpreted() {
    assertEquals(~ERMS, leaf(7, host(true)).ebx());
  }

  @Test
  void everyProbedFeatureHasAName() {
    leaf(1, host(true, RingZeroFeature.values()));
  }

  @Test
  void theUserHasTheLastWord() {
    assertEquals(-1, leaf(1, host(false, RingZeroFeature.POPCNT), "+popcnt").ecx());
  }
}
