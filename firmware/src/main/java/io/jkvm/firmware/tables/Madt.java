// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;

/**
 * The multiple APIC description table (ACPI 6.4, section 5.2.12). ISA interrupt n is input n of the
 * one I/O APIC, the timer's too, as KVM routes interrupts by default; the only override makes the
 * SCI level-triggered and active high.
 */
final class Madt {
  private static final int REVISION = 5;

  /** Dual 8259A are there as well. */
  private static final int PCAT_COMPAT = 1;

  private static final int LOCAL_APIC = 0;
  private static final int LOCAL_APIC_BYTES = 8;
  private static final int IO_APIC = 1;
  private static final int IO_APIC_BYTES = 12;
  private static final int SOURCE_OVERRIDE = 2;
  private static final int SOURCE_OVERRIDE_BYTES = 10;
  private static final int LOCAL_APIC_NMI = 4;
  private static final int LOCAL_APIC_NMI_BYTES = 6;
  private static final int LOCAL_X2APIC = 9;
  private static final int LOCAL_X2APIC_BYTES = 16;
  private static final int LOCAL_X2APIC_NMI = 10;
  private static final int LOCAL_X2APIC_NMI_BYTES = 12;

  private static final int ENABLED = 1;
  private static final int ISA = 0;

  /** MPS INTI flags: active high, level. */
  private static final int ACTIVE_HIGH_LEVEL = 0x0D;

  private static final int CONFORMS = 0;
  private static final int LINT1 = 1;

  /** The first APIC id that only an x2APIC can have; 255 is broadcast to the others. */
  private static final int FIRST_X2APIC_ID = 255;

  private Madt() {}

  static byte[] build(int processors) {
    int local = Math.min(processors, FIRST_X2APIC_ID);
    int extended = processors - local;
    int length =
        Sdt.HEADER_BYTES
            + 8
            + local * LOCAL_APIC_BYTES
            + extended * LOCAL_X2APIC_BYTES
            + IO_APIC_BYTES
            + SOURCE_OVERRIDE_BYTES
            + LOCAL_APIC_NMI_BYTES
            + (extended > 0 ? LOCAL_X2APIC_NMI_BYTES : 0);
    ByteBuffer table = Sdt.allocate("APIC", REVISION, length);
    table.putInt((int) X86Layout.LOCAL_APIC).putInt(PCAT_COMPAT);
    for (int id = 0; id < local; id++) {
      entry(table, LOCAL_APIC, LOCAL_APIC_BYTES).put((byte) id).put((byte) id).putInt(ENABLED);
    }
    for (int id = local; id < processors; id++) {
      entry(table, LOCAL_X2APIC, LOCAL_X2APIC_BYTES).putShort((short) 0);
      table.putInt(id).putInt(ENABLED).putInt(id);
    }
    entry(table, IO_APIC, IO_APIC_BYTES).put((byte) 0).put((byte) 0);
    table.putInt((int) X86Layout.IO_APIC).putInt(0);
    entry(table, SOURCE_OVERRIDE, SOURCE_OVERRIDE_BYTES);
    table.put((byte) ISA).put((byte) AcpiTables.SCI_GSI);
    table.putInt(AcpiTables.SCI_GSI).putShort((short) ACTIVE_HIGH_LEVEL);
    entry(table, LOCAL_APIC_NMI, LOCAL_APIC_NMI_BYTES);
    table.put((byte) 0xFF).putShort((short) CONFORMS).put((byte) LINT1);
    if (extended > 0) {
      entry(table, LOCAL_X2APIC_NMI, LOCAL_X2APIC_NMI_BYTES).putShort((short) CONFORMS);
      table.putInt(-1).put((byte) LINT1);
    }
    return Sdt.finish(table);
  }

  private static ByteBuffer entry(ByteBuffer table, int type, int length) {
    return table.put((byte) type).put((byte) length);
  }
}
