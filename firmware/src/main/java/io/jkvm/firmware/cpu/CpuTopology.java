// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.Cpuid.Entry;
import io.jkvm.core.kvm.state.Cpuid.Register;

/**
 * How CPUID describes the machine's processors: one package, a core for each vCPU, one thread for
 * each core, the last level of cache shared by all. APIC ids are the vCPUs' numbers.
 *
 * @param processors number of vCPUs, 1 or more
 */
public record CpuTopology(int processors) {
  private static final int AMD_EBX = 0x68747541; // "Auth"
  private static final int HYGON_EBX = 0x6f677948; // "Hygo"

  private static final int LEVEL_SMT = 1 << 8;
  private static final int LEVEL_CORE = 2 << 8;

  /** Cache descriptions end well before this subleaf on every processor there is. */
  private static final int MAX_CACHES = 8;

  /** CPUID.1:EDX.HTT, more than one logical processor in the package. */
  private static final int HTT = 1 << 28;

  /** CPUID.8000_0001:ECX.CmpLegacy, several cores and no threads (AMD APM vol. 3). */
  private static final int CMP_LEGACY = 1 << 1;

  /** The table with the topology seen by the vCPU of the given APIC id. */
  Cpuid describe(Cpuid table, int apicId) {
    int several = processors > 1 ? -1 : 0;
    Cpuid described =
        table
            .change(
                1,
                0,
                Register.EBX,
                (apicId & 0xff) << 24 | Math.min(1 << coreBits(), 0xff) << 16,
                0xffff_0000)
            .change(1, 0, Register.EDX, HTT & several, HTT)
            .remove(0x1f);
    described = extendedTopology(described, apicId);
    return isAmd(table) ? amd(described, apicId, several) : intelCaches(described);
  }

  /** Bits of an APIC id that number the core. */
  private int coreBits() {
    return 32 - Integer.numberOfLeadingZeros(processors - 1);
  }

  private static boolean isAmd(Cpuid table) {
    int vendor = table.find(0, 0).map(Entry::ebx).orElse(0);
    return vendor == AMD_EBX || vendor == HYGON_EBX;
  }

  /** Leaf 0BH (Intel SDM vol. 2): x2APIC id, and how to split it. */
  private Cpuid extendedTopology(Cpuid table, int apicId) {
    int maxLeaf = table.find(0, 0).map(Entry::eax).orElse(0);
    if (Integer.compareUnsigned(maxLeaf, 0xb) < 0) {
      return table;
    }
    int flags = Cpuid.FLAG_SIGNIFICANT_INDEX;
    return table
        .remove(0xb)
        .put(new Entry(0xb, 0, flags, 0, 1, LEVEL_SMT, apicId))
        .put(new Entry(0xb, 1, flags, coreBits(), processors, LEVEL_CORE | 1, apicId))
        .put(new Entry(0xb, 2, flags, 0, 0, 2, apicId));
  }

  /** Leaf 4 (Intel SDM vol. 2): EAX 31:26 cores, 25:14 sharers, 7:5 level, each less 1. */
  private Cpuid intelCaches(Cpuid table) {
    Cpuid described = table;
    for (int cache = 0; cache < MAX_CACHES; cache++) {
      int eax = table.find(4, cache).map(Entry::eax).orElse(0);
      if ((eax & 0x1f) != 0) {
        int coreIds = Math.min((1 << coreBits()) - 1, 0x3f);
        described =
            described.change(4, cache, Register.EAX, coreIds << 26 | sharers(eax), 0xffff_c000);
      }
    }
    return described;
  }

  /** Leaves 8000_0001H, 8H, 1DH and 1EH (AMD APM vol. 3, appendix E.4). */
  private Cpuid amd(Cpuid table, int apicId, int several) {
    Cpuid described =
        table
            .change(0x80000001, 0, Register.ECX, CMP_LEGACY & several, CMP_LEGACY)
            .change(0x80000008, 0, Register.ECX, coreBits() << 12 | (processors - 1) & 0xff, 0xf0ff)
            .change(0x8000001e, 0, Register.EAX, apicId, -1)
            .change(0x8000001e, 0, Register.EBX, apicId & 0xff, 0xffff)
            .change(0x8000001e, 0, Register.ECX, 0, 0x7ff);
    for (int cache = 0; cache < MAX_CACHES; cache++) {
      int eax = table.find(0x8000001d, cache).map(Entry::eax).orElse(0);
      described = described.change(0x8000001d, cache, Register.EAX, sharers(eax), 0x03ff_c000);
    }
    return described;
  }

  private int sharers(int cacheEax) {
    boolean shared = (cacheEax >> 5 & 7) >= 3;
    return shared ? Math.min((1 << coreBits()) - 1, 0xfff) << 14 : 0;
  }
}
