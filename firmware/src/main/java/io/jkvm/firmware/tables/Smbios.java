// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Tells the guest's user what machine this is, in /sys/class/dmi (SMBIOS 3.0): the entry point,
 * where a kernel searches for it, then the BIOS and the system, and no more.
 */
public final class Smbios {
  private static final String NAME = "jkvm";

  private static final int ENTRY_BYTES = 24;
  private static final int TYPE_BIOS = 0;
  private static final int TYPE_SYSTEM = 1;
  private static final int TYPE_END = 127;

  /** BIOS characteristics: bit 3, none are told (7.1.1). */
  private static final long NOT_TOLD = 1 << 3;

  /** BIOS characteristics extension byte 2: bit 4, a virtual machine (7.1.2.2). */
  private static final byte VIRTUAL_MACHINE = 1 << 4;

  /** Wake-up type: the power switch (7.2.2). */
  private static final byte WAKE_UP_POWER_SWITCH = 6;

  private static final byte NO_EMBEDDED_CONTROLLER = -1;

  private Smbios() {}

  /** Writes the entry point to {@link X86Layout#SMBIOS}, and the structures behind it. */
  public static void write(GuestMemory memory) throws GuestFault {
    byte[] structures = Bytes.join(bios(), system(), structure(TYPE_END, 2, new byte[0]));
    long table = X86Layout.SMBIOS + ENTRY_BYTES;
    if (table + structures.length > X86Layout.PCI_ROUTING) {
      throw new IllegalArgumentException("SMBIOS structures of " + structures.length + " bytes");
    }
    byte[] entry = entryPoint(table, structures.length);
    memory.write(X86Layout.SMBIOS, entry, 0, entry.length);
    memory.write(table, structures, 0, structures.length);
  }

  /** The 64-bit entry point (5.2.2). */
  private static byte[] entryPoint(long table, int length) {
    ByteBuffer entry = ByteBuffer.allocate(ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    entry.put(Sdt.ascii("_SM3_")).put((byte) 0).put((byte) ENTRY_BYTES);
    entry.put((byte) 3).put((byte) 0).put((byte) 0); // version 3.0, revision of the document
    entry.put((byte) 1).put((byte) 0).putInt(length).putLong(table);
    byte[] bytes = entry.array();
    bytes[5] = Sdt.checksum(bytes, ENTRY_BYTES);
    return bytes;
  }

  /** BIOS information (7.1): vendor, version and date are strings 1 to 3. */
  private static byte[] bios() {
    ByteBuffer fields = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
    fields.put((byte) 1).put((byte) 2).putShort((short) 0xf000).put((byte) 3).put((byte) 0);
    fields.putLong(NOT_TOLD).put((byte) 0).put(VIRTUAL_MACHINE);
    fields.put((byte) 0).put((byte) 1); // release 0.1
    fields.put(NO_EMBEDDED_CONTROLLER).put(NO_EMBEDDED_CONTROLLER);
    return structure(TYPE_BIOS, 0, fields.array(), NAME, "0.1", "01/01/2026");
  }

  /** System information (7.2): manufacturer and product are strings 1 and 2; no serial, no UUID. */
  private static byte[] system() {
    ByteBuffer fields = ByteBuffer.allocate(23);
    fields.put((byte) 1).put((byte) 2).put((byte) 0).put((byte) 0);
    fields.position(fields.position() + 16);
    fields.put(WAKE_UP_POWER_SWITCH).put((byte) 0).put((byte) 0);
    return structure(TYPE_SYSTEM, 1, fields.array(), NAME, NAME);
  }

  /** A structure with its strings, and a NUL behind the last, or two if there are none (6.1). */
  private static byte[] structure(int type, int handle, byte[] fields, String... strings) {
    ByteBuffer head = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    head.put((byte) type).put((byte) (head.capacity() + fields.length)).putShort((short) handle);
    String text = strings.length == 0 ? "\0" : String.join("\0", strings) + "\0";
    return Bytes.join(head.array(), fields, Sdt.ascii(text + "\0"));
  }
}
