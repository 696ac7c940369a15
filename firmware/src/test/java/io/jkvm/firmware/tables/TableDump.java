// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.core.bus.AddressRange;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds tables in guest RAM as an operating system does: from the RSDP on. */
final class TableDump {
  private static final long RAM_BYTES = 2 << 20;

  private TableDump() {}

  /** Writes tables to fresh RAM and returns all that can be found, the RSDP as "RSDP". */
  static Map<String, byte[]> of(AcpiConfig config) throws IOException, GuestFault {
    Map<String, byte[]> found = new LinkedHashMap<>();
    try (GuestMemory memory = GuestMemory.allocate(RAM_BYTES)) {
      long rsdp = AcpiTables.write(memory, config);
      found.put("RSDP", read(memory, rsdp, 36));
      byte[] xsdt = add(found, memory, readLong(memory, rsdp + 24));
      long xsdtAddress = readLong(memory, rsdp + 24);
      for (int offset = Sdt.HEADER_BYTES; offset < xsdt.length; offset += Long.BYTES) {
        add(found, memory, readLong(memory, xsdtAddress + offset));
      }
      byte[] fadt = found.get("FACP");
      add(found, memory, word(fadt, 36));
      add(found, memory, word(fadt, 40));
    }
    return found;
  }

  /** A machine with all that the tables can describe. */
  static AcpiConfig everything(int processors, int virtioMmio) {
    AcpiConfig.Pci pci =
        new AcpiConfig.Pci(
            range(X86Layout.PCI_PORTS, X86Layout.PCI_PORTS_END),
            range(X86Layout.PCI_MEMORY, X86Layout.PCI_MEMORY_END));
    return new AcpiConfig(processors, mmio(virtioMmio), Optional.of(pci));
  }

  /** A machine without PCI. */
  static AcpiConfig withoutPci(int processors, int virtioMmio) {
    return new AcpiConfig(processors, mmio(virtioMmio), Optional.empty());
  }

  private static List<AcpiConfig.VirtioMmio> mmio(int count) {
    List<AcpiConfig.VirtioMmio> devices = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      AddressRange registers =
          new AddressRange(X86Layout.VIRTIO_MMIO + i * X86Layout.VIRTIO_MMIO_STEP, 0x1000);
      devices.add(new AcpiConfig.VirtioMmio(registers, 10 + i % 14));
    }
    return devices;
  }

  private static AddressRange range(long from, long to) {
    return new AddressRange(from, to - from);
  }

  private static byte[] add(Map<String, byte[]> found, GuestMemory memory, long address)
      throws GuestFault {
    byte[] table = read(memory, address, memory.readU32(address + 4));
    found.put(new String(table, 0, 4, StandardCharsets.US_ASCII), table);
    return table;
  }

  private static byte[] read(GuestMemory memory, long address, int length) throws GuestFault {
    byte[] bytes = new byte[length];
    memory.read(address, bytes, 0, length);
    return bytes;
  }

  private static long readLong(GuestMemory memory, long address) throws GuestFault {
    return memory.slice(address, 8).getLong(0);
  }

  /** A little-endian 32-bit number. */
  static long word(byte[] table, int offset) {
    long value = 0;
    for (int i = 3; i >= 0; i--) {
      value = value << 8 | table[offset + i] & 0xFF;
    }
    return value;
  }
}
