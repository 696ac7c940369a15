// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.probe;

import java.util.Set;

/**
 * What a host's KVM can run.
 *
 * @param interpretsRingZero true if KVM's instruction emulator runs guest code at CPL 0, as on a
 *     host without VT-x or AMD-V: slow, and not all instructions work
 * @param syscallWorks false if SYSCALL at CPL 3 does not reach IA32_LSTAR at CPL 0: a 64-bit kernel
 *     can't run programs unless it has a remedy of its own
 * @param missing features that CPUID shows to a guest although they do not work at CPL 0
 * @param alwaysVisible features that CPUID shows to a guest although KVM does not report them: the
 *     guest's CPUID table can't hide these
 */
public record HostCapabilities(
    boolean interpretsRingZero,
    boolean syscallWorks,
    Set<RingZeroFeature> missing,
    Set<RingZeroFeature> alwaysVisible) {

  /** All works, as on a processor with VT-x or AMD-V. */
  public static final HostCapabilities COMPLETE =
      new HostCapabilities(false, true, Set.of(), Set.of());

  /**
   * True where XSAVE and its kind fail at CPL 0 but come to user space as instructions that KVM
   * can't emulate, which completes them (io.jkvm.core.vm.emulation). To hide them would not help:
   * programs use the registers that only XSAVE saves, since CPUID at CPL 3 is the host's there.
   */
  public boolean completesXsave() {
    return interpretsRingZero && missing.contains(RingZeroFeature.XSAVE);
  }

  public HostCapabilities {
    missing = Set.copyOf(missing);
    alwaysVisible = Set.copyOf(alwaysVisible);
  }
}
