// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.Cpuid.Register;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.probe.ProcessorName;
import io.jkvm.core.probe.RingZeroFeature;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which processor a guest sees: what KVM supports, less what would not work and what a guest must
 * ask for, with what is the machine's own (that it is virtual, the APIC id), then the user's
 * changes.
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

  /** What the completion of XSAVE in user space lacks. */
  private static final List<String> XSAVE_NOT_COMPLETED = List.of("-xsaves");

  /**
   * Not for a guest that does not ask: nested virtualization, enclaves and performance counters are
   * much code of the host's kernel, and little use.
   */
  private static final List<String> HIDDEN_UNLESS_ASKED =
      List.of(
          "-vmx",
          "-svm",
          "-skinit",
          "-sgx",
          "-sgx_lc",
          "-pdcm",
          "-perfctr_core",
          "-perfctr_nb",
          "-perfctr_llc");

  private static final Set<CpuFeature> COUNTERS =
      Stream.of("pdcm", "perfctr_core", "perfctr_nb", "perfctr_llc")
          .map(name -> CpuFeature.named(name).orElseThrow())
          .collect(Collectors.toUnmodifiableSet());

  /** Architectural performance monitoring (Intel SDM vol. 2, CPUID leaf 0AH). */
  private static final int LEAF_PMU = 0xa;

  private static final int LEAF_SGX = 0x12;

  /** SVM's revision and features (AMD APM vol. 3, E.4.9). */
  private static final int LEAF_SVM = 0x8000_000a;

  /** AMD's performance monitoring, version 2 (AMD APM vol. 3, E.4.24). */
  private static final int LEAF_PMU_AMD = 0x8000_0022;

  /** Leaf 1 ECX: the processor is virtual. */
  private static final int HYPERVISOR_BIT = 1 << 31;

  /** Not of the processor: the policy itself says them. */
  private static final Set<String> OWN = Set.of("hypervisor", "ht");

  /** The first of the three leaves of the brand string. */
  private static final int LEAF_BRAND = 0x8000_0002;

  private final List<Change> changes;
  private final String brand;

  private record Change(String name, CpuFeature feature, boolean show) {}

  private CpuidPolicy(List<Change> changes, String brand) {
    this.changes = changes;
    this.brand = brand;
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
    HIDDEN_UNLESS_ASKED.forEach(text -> changes.add(parse(text)));
    for (RingZeroFeature feature : host.missing()) {
      if (feature != RingZeroFeature.XSAVE || !host.completesXsave()) {
        changes.add(parse("-" + feature.linuxName()));
      }
    }
    if (host.completesXsave()) {
      XSAVE_NOT_COMPLETED.forEach(text -> changes.add(parse(text)));
    } else if (host.missing().contains(RingZeroFeature.XSAVE)) {
      NEED_XSAVE.forEach(text -> changes.add(parse(text)));
    }
    if (host.interpretsRingZero()) {
      SLOW_IF_INTERPRETED.forEach(text -> changes.add(parse(text)));
    }
    userChanges.forEach(text -> changes.add(parse(text)));
    return new CpuidPolicy(changes, "");
  }

  /** Whether the user asks for performance counters, of either vendor. */
  public boolean wantsCounters() {
    return changes.stream().anyMatch(change -> change.show && COUNTERS.contains(change.feature));
  }

  /**
   * The features that a guest is shown although KVM does not have them, by name; what uses them may
   * fail.
   *
   * @param supported what KVM_GET_SUPPORTED_CPUID gave
   */
  public List<String> unsupported(Cpuid supported) {
    Set<String> shown = new LinkedHashSet<>();
    for (Change change : changes) {
      if (change.show && !OWN.contains(change.name) && !has(supported, change.feature)) {
        shown.add(change.name);
      } else {
        shown.remove(change.name);
      }
    }
    return List.copyOf(shown);
  }

  /** The same with a name for the processor, up to 48 bytes of ASCII; KVM gives it none. */
  public CpuidPolicy withBrand(String newBrand) {
    return new CpuidPolicy(changes, newBrand);
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
    return new Change(name, feature, show);
  }

  /**
   * The table for one vCPU.
   *
   * @param supported what KVM_GET_SUPPORTED_CPUID gave
   * @param topology how many vCPUs there are
   * @param apicId the vCPU's local APIC id
   */
  public Cpuid apply(Cpuid supported, CpuTopology topology, int apicId) {
    Cpuid table = brand.isEmpty() ? supported : withBrandLeaves(supported);
    table = topology.describe(table.change(1, 0, Register.ECX, HYPERVISOR_BIT, 0), apicId);
    for (Change change : changes) {
      CpuFeature f = change.feature;
      int mask = 1 << f.bit();
      table = table.change(f.leaf(), f.subleaf(), f.register(), change.show ? mask : 0, mask);
    }
    return withoutLeavesOfHidden(table);
  }

  private Cpuid withBrandLeaves(Cpuid table) {
    byte[] bytes = brand.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer text = ByteBuffer.wrap(Arrays.copyOf(bytes, ProcessorName.MAX_BYTES));
    text.order(ByteOrder.LITTLE_ENDIAN);
    Cpuid named = table;
    for (int leaf = LEAF_BRAND; text.hasRemaining(); leaf++) {
      named =
          named.put(
              new Cpuid.Entry(
                  leaf, 0, 0, text.getInt(), text.getInt(), text.getInt(), text.getInt()));
    }
    return named;
  }

  private static Cpuid withoutLeavesOfHidden(Cpuid table) {
    Cpuid left = table;
    if (!shows(table, "svm")) {
      left = left.remove(LEAF_SVM);
    }
    if (!shows(table, "sgx")) {
      left = left.remove(LEAF_SGX);
    }
    if (!shows(table, "pdcm")) {
      left = left.remove(LEAF_PMU);
    }
    if (!shows(table, "perfctr_core")) {
      left = left.remove(LEAF_PMU_AMD);
    }
    return left;
  }

  private static boolean shows(Cpuid table, String name) {
    return has(table, CpuFeature.named(name).orElseThrow());
  }

  private static boolean has(Cpuid table, CpuFeature f) {
    return table
        .find(f.leaf(), f.subleaf())
        .filter(entry -> (entry.get(f.register()) >> f.bit() & 1) != 0)
        .isPresent();
  }
}
