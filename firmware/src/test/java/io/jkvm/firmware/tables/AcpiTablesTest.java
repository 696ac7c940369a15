// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.AddressRange;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AcpiTablesTest {
  @Test
  void everyTableSumsUpToZero() throws Exception {
    Map<String, byte[]> tables = TableDump.of(TableDump.everything(3, 2));
    assertEquals(Set.of("RSDP", "XSDT", "FACP", "FACS", "APIC", "DSDT"), tables.keySet());
    for (Map.Entry<String, byte[]> table : tables.entrySet()) {
      if (!table.getKey().equals("FACS")) {
        assertEquals(0, sum(table.getValue(), table.getValue().length), table.getKey());
      }
    }
    assertEquals(0, sum(tables.get("RSDP"), 20), "RSDP as ACPI 1.0 has it");
  }

  @Test
  void rsdpIsWhereKernelsSearch() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(2 << 20)) {
      long rsdp = AcpiTables.write(memory, TableDump.withoutPci(1, 0));
      assertTrue(rsdp >= 0xE0000 && rsdp < 0x100000 && rsdp % 16 == 0);
      byte[] signature = new byte[8];
      memory.read(rsdp, signature, 0, 8);
      assertEquals("RSD PTR ", new String(signature, StandardCharsets.US_ASCII));
    }
  }

  @Test
  void fadtAgreesWithItself() throws Exception {
    byte[] fadt = TableDump.of(TableDump.withoutPci(1, 0)).get("FACP");
    assertEquals(276, fadt.length);
    assertEquals(0, TableDump.word(fadt, 36) % 64, "FACS alignment");
    assertEquals(TableDump.word(fadt, 40), TableDump.word(fadt, 140), "DSDT and X_DSDT");
    assertEquals(0x600, TableDump.word(fadt, 56));
    assertEquals(TableDump.word(fadt, 56), TableDump.word(fadt, 152), "PM1a event block");
    assertEquals(0x604, TableDump.word(fadt, 64));
    assertEquals(TableDump.word(fadt, 64), TableDump.word(fadt, 176), "PM1a control block");
    assertEquals(4 * 8, fadt[149]);
    assertEquals(2 * 8, fadt[173]);
    assertEquals(0, TableDump.word(fadt, 112) & 1 << 20, "HW_REDUCED_ACPI");
    assertEquals(0x64, TableDump.word(fadt, 120));
    assertEquals(0xFE, fadt[128] & 0xFF);
  }

  @Test
  void madtHasX2ApicEntriesOnlyFromId255On() throws Exception {
    assertEquals(Map.of(0, 255, 1, 1, 2, 1, 4, 1), entryCounts(255));
    assertEquals(Map.of(0, 255, 9, 2, 1, 1, 2, 1, 4, 1, 10, 1), entryCounts(257));
  }

  private static Map<Integer, Integer> entryCounts(int processors) throws Exception {
    byte[] madt = TableDump.of(TableDump.withoutPci(processors, 0)).get("APIC");
    Map<Integer, Integer> counts = new java.util.HashMap<>();
    Set<Long> ids = new HashSet<>();
    int offset = 44;
    while (offset < madt.length) {
      int type = madt[offset];
      counts.merge(type, 1, Integer::sum);
      if (type == 0) {
        ids.add(madt[offset + 3] & 0xFFL);
      } else if (type == 9) {
        ids.add(TableDump.word(madt, offset + 4));
      }
      offset += madt[offset + 1];
    }
    assertEquals(madt.length, offset);
    assertEquals(processors, ids.size());
    return counts;
  }

  @Test
  void largestMachineFits() throws Exception {
    AcpiConfig largest =
        TableDump.everything(AcpiConfig.MAX_PROCESSORS, AcpiConfig.MAX_VIRTIO_MMIO);
    assertEquals(6, TableDump.of(largest).size());
  }

  @Test
  void interruptsRotate() {
    assertEquals(16, PciInterrupts.gsi(0, 0));
    assertEquals(19, PciInterrupts.gsi(0, 3));
    assertEquals(16, PciInterrupts.gsi(7, 1));
    assertEquals(17, PciInterrupts.gsi(1, 0));
    assertThrows(IllegalArgumentException.class, () -> PciInterrupts.gsi(32, 0));
    assertThrows(IllegalArgumentException.class, () -> PciInterrupts.gsi(0, 4));
  }

  @Test
  void refusesWhatIsOutOfRange() {
    AddressRange registers = new AddressRange(X86Layout.VIRTIO_MMIO, 0x1000);
    AddressRange high = new AddressRange(1L << 36, 0x1000);
    AddressRange ports = new AddressRange(0x1000, 0x1000);
    assertRefused(() -> TableDump.withoutPci(0, 0));
    assertRefused(() -> TableDump.withoutPci(AcpiConfig.MAX_PROCESSORS + 1, 0));
    assertRefused(() -> TableDump.withoutPci(1, AcpiConfig.MAX_VIRTIO_MMIO + 1));
    assertRefused(() -> new AcpiConfig.VirtioMmio(registers, 24));
    assertRefused(() -> new AcpiConfig.VirtioMmio(registers, -1));
    assertRefused(() -> new AcpiConfig.VirtioMmio(high, 5));
    assertRefused(() -> new AcpiConfig.Pci(new AddressRange(0xFFFF, 2), registers));
    assertRefused(() -> new AcpiConfig.Pci(ports, high));
    assertEquals(List.of(), TableDump.withoutPci(1, 0).virtioMmio());
  }

  private static void assertRefused(org.junit.jupiter.api.function.Executable executable) {
    assertThrows(IllegalArgumentException.class, executable);
  }

  private static int sum(byte[] bytes, int length) {
    byte sum = 0;
    for (int i = 0; i < length; i++) {
      sum += bytes[i];
    }
    return sum;
  }
}
