// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.KvmXsave;
import java.util.Optional;

/**
 * Where each state component is in an XSAVE area, by CPUID leaf 0DH (Intel SDM vol. 1, section
 * 13.2). Components 0 (x87) and 1 (SSE) are in the legacy region and not here.
 */
final class XstateLayout {
  private static final int LEAF = 0xd;
  private static final int FIRST = 2;
  private static final int COMPONENTS = 63;
  private static final int ALIGNED = 1 << 1;
  private static final int ALIGNMENT = 64;

  private final int[] offsets = new int[COMPONENTS];
  private final int[] sizes = new int[COMPONENTS];
  private long aligned;
  private long known;

  /** The layout that a CPUID table describes. */
  XstateLayout(Cpuid cpuid) {
    for (int i = FIRST; i < COMPONENTS; i++) {
      Optional<Cpuid.Entry> leaf = cpuid.find(LEAF, i);
      if (leaf.isEmpty() || leaf.get().eax() <= 0) {
        continue;
      }
      long end = (long) leaf.get().ebx() + leaf.get().eax();
      if (leaf.get().ebx() >= KvmXsave.HEADER_END && end <= KvmXsave.SIZE) {
        sizes[i] = leaf.get().eax();
        offsets[i] = leaf.get().ebx();
        known |= 1L << i;
        aligned |= (leaf.get().ecx() & ALIGNED) != 0 ? 1L << i : 0;
      }
    }
  }

  /** The components beyond x87 and SSE that are known. */
  long known() {
    return known;
  }

  /** In bytes. */
  int size(int component) {
    return sizes[component];
  }

  /** Offset in an area of the standard format. */
  int offset(int component) {
    return offsets[component];
  }

  /** Offset in a compacted area of these components, or its end if the component is 63. */
  int compactedOffset(long components, int component) {
    int at = KvmXsave.HEADER_END;
    for (int i = FIRST; i < COMPONENTS; i++) {
      boolean isThere = (components >> i & 1) != 0;
      if ((isThere || i == component) && (aligned >> i & 1) != 0) {
        at = (at + ALIGNMENT - 1) & -ALIGNMENT;
      }
      if (i == component) {
        return at;
      }
      if (isThere) {
        at += sizes[i];
      }
    }
    return at;
  }
}
