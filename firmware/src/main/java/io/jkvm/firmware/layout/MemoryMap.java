// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.layout;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.memory.GuestRegion;
import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.layout.E820Map.Type;
import java.util.ArrayList;
import java.util.List;

/** Describes a machine's RAM to the guest as a PC's firmware does. */
public final class MemoryMap {
  private MemoryMap() {}

  /**
   * The map of a machine: its RAM without the EBDA, the video memory's hole and the BIOS.
   *
   * @param memory more than 1 MiB from address 0
   */
  public static E820Map of(GuestMemory memory) {
    long lowEnd = lowRamEnd(memory);
    if (lowEnd <= X86Layout.HIGH_MEMORY) {
      throw new IllegalArgumentException("RAM of " + lowEnd + " bytes");
    }
    List<Entry> entries = new ArrayList<>();
    add(entries, 0, X86Layout.EBDA, Type.RAM);
    add(entries, X86Layout.EBDA, X86Layout.BASE_MEMORY_END, Type.RESERVED);
    add(entries, X86Layout.BIOS, X86Layout.HIGH_MEMORY, Type.RESERVED);
    add(entries, X86Layout.HIGH_MEMORY, lowEnd, Type.RAM);
    // Linux trusts MCFG early only where the map agrees.
    add(entries, X86Layout.PCI_ECAM, X86Layout.PCI_MEMORY, Type.RESERVED);
    // Keeps the guest from putting a device's registers over KVM's own pages and the ROM.
    add(entries, X86Layout.KVM_IDENTITY_MAP, X86Layout.FOUR_GIB, Type.RESERVED);
    for (GuestRegion region : memory.regions()) {
      if (region.guestPhysicalAddress() != 0) {
        add(entries, region.guestPhysicalAddress(), region.end(), Type.RAM);
      }
    }
    return E820Map.of(entries);
  }

  /** The end of the RAM that begins at address 0. */
  public static long lowRamEnd(GuestMemory memory) {
    return memory.regions().get(0).end();
  }

  private static void add(List<Entry> entries, long start, long end, Type type) {
    entries.add(new Entry(start, end - start, type));
  }
}
