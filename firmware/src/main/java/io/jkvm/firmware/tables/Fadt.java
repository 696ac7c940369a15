// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;

/**
 * The fixed ACPI description table (ACPI 6.4, section 5.2.9): the classic hardware model, always in
 * ACPI mode, without GPEs.
 *
 * <p>There is no PM timer: a read of it would be an exit to this process, and Linux makes it the
 * watchdog of the TSC, which it then distrusts whenever such a read was slow.
 */
final class Fadt {
  private static final int REVISION = 6;
  private static final int MINOR_REVISION = 4;
  private static final int LENGTH = 276;

  /** Latencies in microseconds that mean "no C2" and "no C3". */
  private static final int NO_C2 = 101;

  private static final int NO_C3 = 1001;

  /** CMOS register where the century is. */
  private static final int CENTURY = 0x32;

  /**
   * IAPC_BOOT_ARCH: devices on ISA, no VGA. The 8042 is not told of, here and in the DSDT: nothing
   * is plugged into it, and Linux would take time to find that out and warn that it has no mouse.
   */
  private static final int BOOT_ARCHITECTURE = 1 | 1 << 2;

  /** WBINVD and C1 work. */
  private static final int WBINVD = 1;

  private static final int PROC_C1 = 1 << 2;

  /** No sleep button in the fixed registers; a clear PWR_BUTTON bit says that one is there. */
  private static final int NO_FIXED_SLEEP_BUTTON = 1 << 5;

  /** The clock's wake status is not in the fixed registers. */
  private static final int NO_FIXED_RTC = 1 << 6;

  private static final int RESET_REG_SUP = 1 << 10;

  private static final int SYSTEM_IO = 1;
  private static final int BYTE_ACCESS = 1;
  private static final int WORD_ACCESS = 2;

  private Fadt() {}

  static byte[] build(long facsAddress, long dsdtAddress) {
    ByteBuffer table = Sdt.allocate("FACP", REVISION, LENGTH);
    table.putInt(36, (int) facsAddress);
    table.putInt(40, (int) dsdtAddress);
    table.putShort(46, (short) AcpiTables.SCI_GSI);
    table.putInt(56, X86Layout.ACPI_PM1_EVENT);
    table.putInt(64, X86Layout.ACPI_PM1_CONTROL);
    table.put(88, (byte) X86Layout.ACPI_PM1_EVENT_PORTS);
    table.put(89, (byte) X86Layout.ACPI_PM1_CONTROL_PORTS);
    table.putShort(96, (short) NO_C2);
    table.putShort(98, (short) NO_C3);
    table.put(108, (byte) CENTURY);
    table.putShort(109, (short) BOOT_ARCHITECTURE);
    table.putInt(112, WBINVD | PROC_C1 | NO_FIXED_SLEEP_BUTTON | NO_FIXED_RTC | RESET_REG_SUP);
    registers(table, 116, X86Layout.ACPI_RESET, 1, BYTE_ACCESS);
    table.put(128, (byte) X86Layout.ACPI_RESET_VALUE);
    table.put(131, (byte) MINOR_REVISION);
    table.putLong(140, dsdtAddress);
    // The event block is two registers of 16 bits.
    registers(table, 148, X86Layout.ACPI_PM1_EVENT, X86Layout.ACPI_PM1_EVENT_PORTS, WORD_ACCESS);
    registers(
        table, 172, X86Layout.ACPI_PM1_CONTROL, X86Layout.ACPI_PM1_CONTROL_PORTS, WORD_ACCESS);
    return Sdt.finish(table);
  }

  /** A generic address structure (5.2.3.2) for ports. */
  private static void registers(ByteBuffer table, int offset, int port, int ports, int accessSize) {
    table.put(offset, (byte) SYSTEM_IO).put(offset + 1, (byte) (8 * ports));
    table.put(offset + 3, (byte) accessSize).putLong(offset + 4, port);
  }
}
