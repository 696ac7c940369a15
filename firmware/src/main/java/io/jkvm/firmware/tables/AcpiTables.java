// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Tells the guest what hardware it has, as the firmware of a PC does: RSDP, XSDT, FADT, FACS, MADT
 * and DSDT (ACPI 6.4, section 5.2).
 *
 * <p>All of them lie in the BIOS's 64 KiB, above its code: reserved in the memory map, and where a
 * kernel that was not told the RSDP's address searches for it.
 */
public final class AcpiTables {
  /** The system control interrupt: an ISA IRQ and I/O APIC input, level-triggered, active high. */
  public static final int SCI_GSI = 9;

  /** SLP_TYP of the PM1a control register for power-off (the first number of {@code \_S5}). */
  public static final int S5_SLEEP_TYPE = 5;

  private static final int RSDP_BYTES = 36;
  private static final int RSDP_ACPI_1_BYTES = 20;
  private static final int RSDP_REVISION = 2;
  private static final int XSDT_REVISION = 1;
  private static final int FACS_BYTES = 64;
  private static final int FACS_VERSION = 2;
  private static final int FACS_ALIGNMENT = 64;
  private static final int TABLE_ALIGNMENT = 16;

  private final GuestMemory memory;
  private long free;

  private AcpiTables(GuestMemory memory, long address) {
    this.memory = memory;
    this.free = address;
  }

  /**
   * Writes the tables from {@link X86Layout#ACPI_TABLES} on.
   *
   * @return the RSDP's address, for the zero page or the PVH start information
   * @throws IllegalArgumentException if the tables are longer than the room for them
   */
  public static long write(GuestMemory memory, AcpiConfig config) throws GuestFault {
    long rsdp = X86Layout.ACPI_TABLES;
    AcpiTables tables = new AcpiTables(memory, rsdp + RSDP_BYTES);
    long facs = tables.place(facs(), FACS_ALIGNMENT);
    long dsdt = tables.place(Dsdt.build(config), TABLE_ALIGNMENT);
    List<Long> listed = new ArrayList<>();
    listed.add(tables.place(Fadt.build(facs, dsdt), TABLE_ALIGNMENT));
    listed.add(tables.place(Madt.build(config.processors()), TABLE_ALIGNMENT));
    long xsdt = tables.place(xsdt(listed), TABLE_ALIGNMENT);
    byte[] root = rsdp(xsdt);
    memory.write(rsdp, root, 0, root.length);
    return rsdp;
  }

  private long place(byte[] table, int alignment) throws GuestFault {
    long address = free + alignment - 1 & -alignment;
    free = address + table.length;
    if (free > X86Layout.ACPI_TABLES_END) {
      throw new IllegalArgumentException(
          String.format("ACPI tables reach 0x%x, over 0x%x", free, X86Layout.ACPI_TABLES_END));
    }
    memory.write(address, table, 0, table.length);
    return address;
  }

  /**
   * Root system description pointer (5.2.5.3); the RSDT, which 32-bit ACPI 1.0 used, is left out.
   */
  private static byte[] rsdp(long xsdt) {
    ByteBuffer pointer = ByteBuffer.allocate(RSDP_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    pointer.put(Sdt.ascii("RSD PTR ")).put((byte) 0).put(Sdt.ascii(Sdt.OEM_ID));
    pointer.put((byte) RSDP_REVISION).putInt(0).putInt(RSDP_BYTES).putLong(xsdt);
    byte[] bytes = pointer.array();
    bytes[8] = Sdt.checksum(bytes, RSDP_ACPI_1_BYTES);
    bytes[32] = Sdt.checksum(bytes, RSDP_BYTES);
    return bytes;
  }

  /** Extended system description table (5.2.8). */
  private static byte[] xsdt(List<Long> tables) {
    int length = Sdt.HEADER_BYTES + tables.size() * Long.BYTES;
    ByteBuffer table = Sdt.allocate("XSDT", XSDT_REVISION, length);
    tables.forEach(table::putLong);
    return Sdt.finish(table);
  }

  /** Firmware ACPI control structure (5.2.10): no header checksum; global lock free, no waking. */
  private static byte[] facs() {
    ByteBuffer table = ByteBuffer.allocate(FACS_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    table.put(Sdt.ascii("FACS")).putInt(FACS_BYTES);
    return table.put(32, (byte) FACS_VERSION).array();
  }
}
