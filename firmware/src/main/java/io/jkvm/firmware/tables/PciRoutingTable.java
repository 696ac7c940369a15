// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A PCI interrupt routing table without entries ($PIR, PCI IRQ Routing Table Specification 1.0).
 * This machine has no router: the MP table and ACPI tell where interrupts go. But Linux looks
 * through all of the BIOS for one, 16 bytes at a time, which takes it a third of a second where its
 * kernel is interpreted; one that is there ends the search.
 */
public final class PciRoutingTable {
  private static final int BYTES = 32;
  private static final short VERSION_1_0 = 0x0100;

  /** Where there is no device, so no driver for a router is looked for. */
  private static final byte NO_DEVICE = (byte) 0xff;

  private PciRoutingTable() {}

  /** Writes it to {@link X86Layout#PCI_ROUTING}. */
  public static void write(GuestMemory memory) throws GuestFault {
    ByteBuffer table = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    table.put(Sdt.ascii("$PIR")).putShort(VERSION_1_0).putShort((short) BYTES);
    table.put((byte) 0).put(NO_DEVICE); // the router's bus, device and function
    byte[] bytes = table.array();
    bytes[BYTES - 1] = Sdt.checksum(bytes, BYTES);
    memory.write(X86Layout.PCI_ROUTING, bytes, 0, BYTES);
  }
}
