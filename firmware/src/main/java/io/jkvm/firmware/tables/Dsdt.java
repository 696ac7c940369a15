// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The differentiated system description table (ACPI 6.4, section 5.2.11.1): the device tree. */
final class Dsdt {
  /** Since revision 2 AML's integers have 64 bits. */
  private static final int REVISION = 2;

  private static final int PCI_CONFIG_ADDRESS = 0xCF8;
  private static final int PCI_CONFIG_PORTS = 8;

  private Dsdt() {}

  static byte[] build(AcpiConfig config) {
    List<byte[]> devices = new ArrayList<>();
    devices.add(serialPort());
    devices.add(realTimeClock());
    config.pci().ifPresent(pci -> addPci(devices, pci));
    for (int i = 0; i < config.virtioMmio().size(); i++) {
      devices.add(virtioMmio(config.virtioMmio(), i));
    }
    for (int i = 0; i < config.processors(); i++) {
      devices.add(processor(i));
    }
    byte[] aml = Bytes.join(sleepState5(), Aml.scope("_SB", devices.toArray(new byte[0][])));
    ByteBuffer table = Sdt.allocate("DSDT", REVISION, Sdt.HEADER_BYTES + aml.length);
    return Sdt.finish(table.put(aml));
  }

  /** Power-off (7.4.2): the SLP_TYP for PM1a, the one for PM1b, two reserved. */
  private static byte[] sleepState5() {
    byte[] zero = Aml.integer(0);
    return Aml.name("_S5", Aml.packageOf(Aml.integer(AcpiTables.S5_SLEEP_TYPE), zero, zero, zero));
  }

  private static byte[] serialPort() {
    return Aml.device(
        "COM1",
        Aml.name("_HID", Aml.eisaId("PNP0501")),
        Aml.name("_UID", Aml.integer(1)),
        crs(Resources.io(0x3F8, 8), Resources.irqNoFlags(4)));
  }

  private static byte[] realTimeClock() {
    return Aml.device(
        "RTC",
        Aml.name("_HID", Aml.eisaId("PNP0B00")),
        crs(Resources.io(0x70, 2), Resources.irqNoFlags(8)));
  }

  private static void addPci(List<byte[]> devices, AcpiConfig.Pci pci) {
    for (int i = 0; i < PciInterrupts.GSI_COUNT; i++) {
      devices.add(interruptLink(i));
    }
    List<byte[]> windows = new ArrayList<>();
    windows.add(Resources.busNumberWindow(0, 0));
    windows.add(Resources.io(PCI_CONFIG_ADDRESS, PCI_CONFIG_PORTS));
    windows.add(Resources.ioWindow(pci.io()));
    windows.add(Resources.memoryWindow32(pci.memory()));
    devices.add(
        Aml.device(
            "PCI0",
            Aml.name("_HID", Aml.eisaId("PNP0A03")),
            Aml.name("_UID", Aml.integer(0)),
            Aml.name("_BBN", Aml.integer(0)),
            Aml.name("_CRS", Resources.template(windows)),
            Aml.name("_PRT", routing())));
  }

  /**
   * A PCI interrupt link (6.2.13) with no choice. Routed to a link and not to a bare GSI, INTx is
   * active high: KVM wants that of user space (KVM_CAP_X86_IOAPIC_POLARITY_IGNORED).
   */
  private static byte[] interruptLink(int index) {
    byte[] gsi = Resources.template(Resources.levelInterrupt(PciInterrupts.FIRST_GSI + index));
    return Aml.device(
        linkName(index),
        Aml.name("_HID", Aml.eisaId("PNP0C0F")),
        Aml.name("_UID", Aml.integer(index)),
        Aml.name("_PRS", gsi),
        Aml.name("_CRS", gsi),
        Aml.method("_SRS", 1));
  }

  private static String linkName(int index) {
    return "GSI" + (char) ('A' + index);
  }

  /** The PCI routing table: for every device and pin its link. */
  private static byte[] routing() {
    List<byte[]> entries = new ArrayList<>();
    for (int device = 0; device < PciInterrupts.DEVICES; device++) {
      for (int pin = 0; pin < PciInterrupts.PINS; pin++) {
        int link = PciInterrupts.gsi(device, pin) - PciInterrupts.FIRST_GSI;
        entries.add(
            Aml.packageOf(
                Aml.integer((long) device << 16 | 0xFFFF),
                Aml.integer(pin),
                Aml.nameString(linkName(link)),
                Aml.integer(0)));
      }
    }
    return Aml.packageOf(entries);
  }

  private static byte[] virtioMmio(List<AcpiConfig.VirtioMmio> all, int index) {
    AcpiConfig.VirtioMmio device = all.get(index);
    boolean shared = all.stream().filter(other -> other.gsi() == device.gsi()).count() > 1;
    return Aml.device(
        String.format("VM%02X", index),
        Aml.name("_HID", Aml.string("LNRO0005")),
        Aml.name("_UID", Aml.integer(index)),
        Aml.name("_CCA", Aml.integer(1)),
        crs(
            Resources.memory32Fixed(device.registers()),
            Resources.edgeInterrupt(device.gsi(), shared)));
  }

  private static byte[] processor(int index) {
    return Aml.device(
        String.format("C%03X", index),
        Aml.name("_HID", Aml.string("ACPI0007")),
        Aml.name("_UID", Aml.integer(index)));
  }

  private static byte[] crs(byte[]... descriptors) {
    return Aml.name("_CRS", Resources.template(descriptors));
  }
}
