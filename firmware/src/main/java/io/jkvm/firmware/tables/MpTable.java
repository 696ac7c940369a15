// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The MP table (Intel MultiProcessor Specification 1.4, chapter 4): processors, a PCI and an ISA
 * bus, one I/O APIC and how the buses' interrupts reach it. It lies at the start of the last KiB of
 * base memory, which Linux searches long before the BIOS.
 */
public final class MpTable {
  /** As many processors as the KiB has room for. */
  public static final int MAX_PROCESSORS = 32;

  private static final int ISA_IRQS = 16;

  /** IRQ 2 cascades the second PIC and reaches no device. */
  private static final int CASCADE_IRQ = 2;

  private static final int POINTER_BYTES = 16;
  private static final int SPECIFICATION_REVISION = 4;

  private static final int PROCESSOR = 0;
  private static final int BUS = 1;
  private static final int IO_APIC = 2;
  private static final int IO_INTERRUPT = 3;
  private static final int LOCAL_INTERRUPT = 4;

  private static final int LOCAL_APIC_VERSION = 0x14;
  private static final int IO_APIC_VERSION = 0x11;
  private static final int ENABLED = 1;
  private static final int BOOTSTRAP = 2;

  /** Family 6, and FPU and APIC: Linux takes both from CPUID. */
  private static final int CPU_SIGNATURE = 0x600;

  private static final int CPU_FEATURES = 0x201;

  private static final int VECTORED = 0;
  private static final int NMI = 1;
  private static final int EXTINT = 3;

  /** A PCI bus has to have the number that it has in configuration space. */
  private static final int PCI_BUS = 0;

  private static final int INTERRUPT_BYTES = 8;
  private static final int LOCAL_INTERRUPTS = 2;

  /** Polarity and trigger as the bus has them; for ISA: active high, edge. */
  private static final int CONFORMS = 0;

  private static final int ACTIVE_HIGH_LEVEL = 0x0D;
  private static final int ALL_LOCAL_APICS = 0xFF;

  private MpTable() {}

  /**
   * Writes the table to {@link X86Layout#EBDA}.
   *
   * <p>ISA IRQ n is input n of the I/O APIC, for the timer too: that is how KVM routes interrupts
   * by default, unlike a PC, where the timer is at input 2.
   *
   * <p>INTA# of PCI device n is the input that {@link PciInterrupts} says, as far as the KiB has
   * room: for 19 devices at least, for all 32 with up to 26 processors.
   *
   * @param processors number of vCPUs, at least 1; their APIC ids count from 0. Of more than {@link
   *     #MAX_PROCESSORS} the first ones are listed; ACPI describes a larger machine in full
   * @param pciDevices how many devices PCI bus 0 has, counted from device 0; 0 without PCI
   */
  public static void write(GuestMemory memory, int processors, int pciDevices) throws GuestFault {
    if (processors < 1) {
      throw new IllegalArgumentException(processors + " processors");
    }
    int listed = Math.min(processors, MAX_PROCESSORS);
    int ioApicId = listed;
    ByteBuffer table =
        ByteBuffer.allocate((int) (X86Layout.BASE_MEMORY_END - X86Layout.EBDA))
            .order(ByteOrder.LITTLE_ENDIAN);
    pointer(table);
    table.position(POINTER_BYTES);
    header(table);
    int entries = 0;
    for (int i = 0; i < listed; i++, entries++) {
      int flags = i == 0 ? ENABLED | BOOTSTRAP : ENABLED;
      table.put((byte) PROCESSOR).put((byte) i).put((byte) LOCAL_APIC_VERSION).put((byte) flags);
      table.putInt(CPU_SIGNATURE).putInt(CPU_FEATURES).putLong(0);
    }
    int isaBus = PCI_BUS;
    if (pciDevices > 0) {
      table.put((byte) BUS).put((byte) PCI_BUS).put(ascii("PCI   "));
      isaBus++;
      entries++;
    }
    table.put((byte) BUS).put((byte) isaBus).put(ascii("ISA   "));
    table.put((byte) IO_APIC).put((byte) ioApicId).put((byte) IO_APIC_VERSION);
    table.put((byte) ENABLED).putInt((int) X86Layout.IO_APIC);
    entries += 2;
    for (int irq = 0; irq < ISA_IRQS; irq++) {
      if (irq != CASCADE_IRQ) {
        interrupt(table, IO_INTERRUPT, VECTORED, CONFORMS, isaBus, irq, ioApicId, irq);
        entries++;
      }
    }
    int room = table.remaining() / INTERRUPT_BYTES - LOCAL_INTERRUPTS;
    // Device 0 is the host bridge, which interrupts nobody.
    for (int device = 1; device < pciDevices && device <= room; device++, entries++) {
      int source = device << 2; // pin 0, INTA#: appendix D.3
      int input = PciInterrupts.gsi(device, 0);
      interrupt(table, IO_INTERRUPT, VECTORED, ACTIVE_HIGH_LEVEL, PCI_BUS, source, ioApicId, input);
    }
    interrupt(table, LOCAL_INTERRUPT, EXTINT, CONFORMS, isaBus, 0, 0, 0);
    interrupt(table, LOCAL_INTERRUPT, NMI, CONFORMS, isaBus, 0, ALL_LOCAL_APICS, 1);
    entries += LOCAL_INTERRUPTS;
    int end = table.position();
    table.putShort(POINTER_BYTES + 4, (short) (end - POINTER_BYTES));
    table.putShort(POINTER_BYTES + 34, (short) entries);
    table.put(10, checksum(table, 0, POINTER_BYTES));
    table.put(POINTER_BYTES + 7, checksum(table, POINTER_BYTES, end));
    memory.write(X86Layout.EBDA, table.array(), 0, end);
  }

  /** Section 4.1; features all 0: a configuration table is present, no IMCR. */
  private static void pointer(ByteBuffer table) {
    table.put(ascii("_MP_"));
    table.putInt((int) X86Layout.EBDA + POINTER_BYTES);
    table.put((byte) (POINTER_BYTES / 16)).put((byte) SPECIFICATION_REVISION);
  }

  /** Section 4.2; length, checksum and count are filled in later. */
  private static void header(ByteBuffer table) {
    table.put(ascii("PCMP")).putShort((short) 0).put((byte) SPECIFICATION_REVISION).put((byte) 0);
    table.put(ascii("JKVM    ")).put(ascii("MICROVM     "));
    table.putInt(0).putShort((short) 0).putShort((short) 0);
    table.putInt((int) X86Layout.LOCAL_APIC).putInt(0);
  }

  /** Sections 4.3.4 and 4.3.5. */
  private static void interrupt(
      ByteBuffer table,
      int entry,
      int type,
      int flags,
      int bus,
      int source,
      int apicId,
      int input) {
    table.put((byte) entry).put((byte) type).putShort((short) flags);
    table.put((byte) bus).put((byte) source).put((byte) apicId).put((byte) input);
  }

  /** Makes the bytes sum up to 0. */
  private static byte checksum(ByteBuffer table, int from, int to) {
    byte sum = 0;
    for (int i = from; i < to; i++) {
      sum += table.get(i);
    }
    return (byte) -sum;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
