// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.kvm.Cpuid;
import io.jkvm.core.kvm.Cpuid.Register;
import java.util.ArrayList;
import java.util.List;

/**
 * Which processor a guest sees: what KVM supports, less what would not work, with what is the
 * machine's own (that it is virtual, the APIC id), then the user's changes.
 */
public final class CpuidPolicy {
  /**
   * Features that a KVM without hardware behind it reports, but can't run at CPL 0. Some it lets
   * the guest see whatever the table says: the kernel's clearcpuid= must hide those.
   */
  private static final List<String> NOT_INTERPRETED =
      List.of(
          "-cx16",
          "-popcnt",
          "-xsave",
          "-osxsave",
          "-avx",
          "-fma",
          "-f16c",
          "-smap",
          "-smep",
          "-erms",
          "-fsrm",
          "-invpcid",
          "-clwb",
          "-rdtscp",
          "-rdpid",
          "-monitor",
          "-avx2",
          "-arch_capabilities");

  /** KVM_FEATURE and hypervisor leaves begin here. */
  private static final int HYPERVISOR_BIT = 1 << 31;

  private final List<Change> changes;

  private record Change(CpuFeature feature, boolean show) {}

  private CpuidPolicy(List<Change> changes) {
    this.changes = changes;
  }

  /**
   * A policy with changes in the order given, later ones win.
   *
   * @param hardware false on a KVM that interprets the guest's kernel
   * @param userChanges "-cx16" hides, "+cx16" or "cx16" shows
   * @throws IllegalArgumentException naming a feature that is not known
   */
  public static CpuidPolicy of(boolean hardware, List<String> userChanges) {
    List<Change> changes = new ArrayList<>();
    if (!hardware) {
      NOT_INTERPRETED.forEach(text -> changes.add(parse(text)));
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
   * @param apicId the vCPU's local APIC id, below 256
   */
  public Cpuid apply(Cpuid supported, int apicId) {
    // Leaf 1: initial APIC id in EBX 31:24, one logical processor in 23:16, CLFLUSH line in 15:8.
    Cpuid table =
        supported
            .change(1, 0, Register.ECX, HYPERVISOR_BIT, 0)
            .change(1, 0, Register.EBX, apicId << 24 | 1 << 16, 0xffff_0000)
            .change(1, 0, Register.EDX, 0, 1 << 28)
            .change(0xb, 0, Register.EDX, apicId, -1)
            .change(0xb, 1, Register.EDX, apicId, -1);
    // Leaf 4 EAX 31:14 (SDM): one core, one sharer of each cache. Subleaves 0 to 3 are the caches.
    for (int cache = 0; cache < 4; cache++) {
      table = table.change(4, cache, Register.EAX, 0, 0xffff_c000);
    }
    for (Change change : changes) {
      CpuFeature f = change.feature;
      int mask = 1 << f.bit();
      table = table.change(f.leaf(), f.subleaf(), f.register(), change.show ? mask : 0, mask);
    }
    return table;
  }
}
