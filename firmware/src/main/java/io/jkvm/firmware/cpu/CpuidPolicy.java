// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.Cpuid.Register;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.probe.RingZeroFeature;
import java.util.ArrayList;
import java.util.List;

/**
 * Which processor a guest sees: what KVM supports, less what would not work, with what is the
 * machine's own (that it is virtual, the APIC id), then the user's changes.
 */
public final class CpuidPolicy {
  /** What is of no use without XSAVE: the registers that only it can save, and its variants. */
  private static final List<String> NEED_XSAVE =
      List.of(
          "-osxsave",
          "-avx",
          "-fma",
          "-f16c",
          "-avx2",
          "-avx512f",
          "-vaes",
          "-vpclmulqdq",
          "-pku",
          "-xsaveopt",
          "-xsavec",
          "-xgetbv1",
          "-xsaves");

  /**
   * Hidden where KVM interprets CPL 0, without a probe: byte strings work there, but each byte is a
   * step of the interpreter, and Linux without these features copies eight at a time.
   */
  private static final List<String> SLOW_IF_INTERPRETED = List.of("-erms", "-fsrm");

  /** Leaf 1 ECX: the processor is virtual. */
  private static final int HYPERVISOR_BIT = 1 << 31;

  private final List<Change> changes;

  private record Change(CpuFeature feature, boolean show) {}

  private CpuidPolicy(List<Change> changes) {
    this.changes = changes;
  }

  /**
   * A policy with changes in the order given, later ones win.
   *
   * @param host what the probe found
   * @param userChanges "-cx16" hides, "+cx16" or "cx16" shows
   * @throws IllegalArgumentException naming a feature that is not known
   */
  public static CpuidPolicy of(HostCapabilities host, List<String> userChanges) {
    List<Change> changes = new ArrayList<>();
    for (RingZeroFeature feature : host.missing()) {
      changes.add(parse("-" + feature.linuxName()));
    }
    if (host.missing().contains(RingZeroFeature.XSAVE)) {
      NEED_XSAVE.forEach(text -> changes.add(parse(text)));
    }
    if (host.interpretsRingZero()) {
      SLOW_IF_INTERPRETED.forEach(text -> changes.add(parse(text)));
    }
    userChanges.forEach(text -> changes.add(parse(text)));
    return new CpuidPolicy(changes);
  }

  private static Change parse(String text) {
    boolean show = !text.startsWith("-");
    String name = text.startsWith("-") || text.startsWith("+") ? text.substring(1) : text;
    CpuFeature feature =
        CpuFeature.named(name)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "unknown processor feature '"
                            + name
                            + "'; use the names of /proc/cpuinfo, as in -cx16,-avx"));
    return new Change(feature, show);
  }

  /**
   * The table for one vCPU.
   *
   * @param supported what KVM_GET_SUPPORTED_CPUID gave
   * @param topology how many vCPUs there are
   * @param apicId the vCPU's local APIC id
   */
  public Cpuid apply(Cpuid supported, CpuTopology topology, int apicId) {
    Cpuid table =
        topology.describe(supported.change(1, 0, Register.ECX, HYPERVISOR_BIT, 0), apicId);
    for (Change change : changes) {
      CpuFeature f = change.feature;
      int mask = 1 << f.bit();
      table = table.change(f.leaf(), f.subleaf(), f.register(), change.show ? mask : 0, mask);
    }
    return table;
  }
}
