// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.probe.RingZeroFeature;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CpuidPolicyTest {
  private static final int POPCNT = 1 << 23;
  private static final int XSAVE_OSXSAVE_AVX = 7 << 26;
  private static final int ERMS = 1 << 9;
  private static final int HYPERVISOR = 1 << 31;
  private static final int VMX_PDCM = 1 << 5 | 1 << 15;
  private static final int SGX = 1 << 2;
  private static final int SVM = 1 << 2;
  private static final Cpuid ALL =
      new Cpuid(
          IntStream.of(1, 7, 0xa, 0x12, 0x80000001, 0x8000000a, 0x80000022)
              .mapToObj(leaf -> new Cpuid.Entry(leaf, 0, leaf == 7 ? 1 : 0, -1, -1, -1, -1))
              .toList());

  private static Cpuid.Entry leaf(int leaf, HostCapabilities host, String... changes) {
    return CpuidPolicy.of(host, List.of(changes))
        .apply(ALL, new CpuTopology(1), 0)
        .find(leaf, 0)
        .orElseThrow();
  }

  private static HostCapabilities host(boolean interprets, RingZeroFeature... missing) {
    return new HostCapabilities(interprets, !interprets, Set.of(missing), Set.of());
  }

  private static boolean has(int leaf, String... changes) {
    return CpuidPolicy.of(HostCapabilities.COMPLETE, List.of(changes))
        .apply(ALL, new CpuTopology(1), 0)
        .find(leaf, 0)
        .isPresent();
  }

  @Test
  void aCompleteHostHidesOnlyWhatMustBeAskedFor() {
    assertEquals(~VMX_PDCM, leaf(1, HostCapabilities.COMPLETE).ecx());
    assertEquals(~SGX, leaf(7, HostCapabilities.COMPLETE).ebx());
  }

  @Test
  void nestedVirtualizationIsThereForThoseWhoAsk() {
    assertEquals(0, leaf(0x80000001, HostCapabilities.COMPLETE).ecx() & SVM);
    assertFalse(has(0x8000000a));
    assertEquals(SVM, leaf(0x80000001, HostCapabilities.COMPLETE, "+svm").ecx() & SVM);
    assertTrue(has(0x8000000a, "+svm"));
    assertEquals(1 << 5, leaf(1, HostCapabilities.COMPLETE, "+vmx").ecx() & 1 << 5);
  }

  @Test
  void whatKvmDoesNotHaveIsNamed() {
    Cpuid none = new Cpuid(List.of(new Cpuid.Entry(1, 0, 0, 0, 0, 0, 0)));
    CpuidPolicy policy =
        CpuidPolicy.of(
            HostCapabilities.COMPLETE,
            List.of("+svm", "avx", "-cx16", "+vmx", "-vmx", "+hypervisor"));
    assertEquals(List.of("svm", "avx"), policy.unsupported(none));
    assertEquals(List.of(), policy.unsupported(ALL));
  }

  @Test
  void countersAndEnclavesAreThereForThoseWhoAsk() {
    assertFalse(has(0xa) || has(0x12) || has(0x80000022));
    assertTrue(has(0xa, "+pdcm") && has(0x12, "+sgx") && has(0x80000022, "+perfctr_core"));
    assertFalse(CpuidPolicy.of(HostCapabilities.COMPLETE, List.of("-pdcm")).wantsCounters());
    assertTrue(CpuidPolicy.of(HostCapabilities.COMPLETE, List.of("perfctr_core")).wantsCounters());
  }

  @Test
  void whatTheProbeMissedIsHidden() {
    assertEquals(~POPCNT & ~VMX_PDCM, leaf(1, host(false, RingZeroFeature.POPCNT)).ecx());
    assertEquals(~SGX, leaf(7, host(false, RingZeroFeature.POPCNT)).ebx());
  }

  @Test
  void whatNeedsXsaveGoesWithIt() {
    int ecx = leaf(1, host(false, RingZeroFeature.XSAVE)).ecx();
    assertEquals(0, ecx & XSAVE_OSXSAVE_AVX);
    assertEquals(HYPERVISOR, ecx & HYPERVISOR);
  }

  @Test
  void theProcessorHasTheHostsName() {
    Cpuid table =
        CpuidPolicy.of(HostCapabilities.COMPLETE, List.of())
            .withBrand("ABCDEFGHIJKLMNOPQ")
            .apply(ALL, new CpuTopology(1), 0);
    assertEquals(0x44434241, table.find(0x80000002, 0).orElseThrow().eax());
    assertEquals('Q', table.find(0x80000003, 0).orElseThrow().eax());
    assertEquals(0, table.find(0x80000004, 0).orElseThrow().edx());
  }

  @Test
  void xsaveStaysWhereItIsCompleted() {
    int ecx = leaf(1, host(true, RingZeroFeature.XSAVE)).ecx();
    assertEquals(XSAVE_OSXSAVE_AVX, ecx & XSAVE_OSXSAVE_AVX);
  }

  @Test
  void byteStringsAreHiddenWhereTheyAreInterpreted() {
    assertEquals(~ERMS & ~SGX, leaf(7, host(true)).ebx());
  }

  @Test
  void everyProbedFeatureHasAName() {
    leaf(1, host(true, RingZeroFeature.values()));
  }

  @Test
  void theUserHasTheLastWord() {
    assertEquals(~VMX_PDCM, leaf(1, host(false, RingZeroFeature.POPCNT), "+popcnt").ecx());
  }
}
