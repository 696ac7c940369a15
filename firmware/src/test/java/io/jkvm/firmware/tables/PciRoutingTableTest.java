// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import org.junit.jupiter.api.Test;

/** Looks for the table as arch/x86/pci/irq.c of Linux does. */
class PciRoutingTableTest {
  @Test
  void theSearchEndsAtItAndFindsNoEntries() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20)) {
      Smbios.write(memory);
      PciRoutingTable.write(memory);
      long at = X86Layout.BIOS;
      while (memory.readU32(at) != 0x52495024) { // "$PIR"
        at += 16;
        assertTrue(at < 0x100000, "not found");
      }
      assertEquals(0x0100, memory.readU16(at + 4), "version");
      int size = memory.readU16(at + 6);
      assertEquals(32, size, "a header alone");
      int sum = 0;
      for (int i = 0; i < size; i++) {
        sum += memory.readU8(at + i);
      }
      assertEquals(0, sum & 0xff);
    }
  }
}
