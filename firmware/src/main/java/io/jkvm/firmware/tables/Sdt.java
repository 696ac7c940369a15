// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** The frame of every system description table (ACPI 6.4, section 5.2.6). */
final class Sdt {
  static final int HEADER_BYTES = 36;

  /** Six characters; ACPI wants the OEM's name here. */
  static final String OEM_ID = "JKVM  ";

  private static final String OEM_TABLE_ID = "JKVM    ";
  private static final String CREATOR_ID = "JKVM";
  private static final int CHECKSUM_OFFSET = 9;

  private Sdt() {}

  /**
   * A little-endian table, zero but for its header, at whose end the buffer is positioned.
   *
   * @param signature four characters
   * @param length bytes of the whole table
   */
  static ByteBuffer allocate(String signature, int revision, int length) {
    ByteBuffer table = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    table.put(ascii(signature)).putInt(length).put((byte) revision).put((byte) 0);
    table.put(ascii(OEM_ID)).put(ascii(OEM_TABLE_ID)).putInt(1).put(ascii(CREATOR_ID)).putInt(1);
    return table;
  }

  /** Sets the checksum; nothing may be changed after it. */
  static byte[] finish(ByteBuffer table) {
    byte[] bytes = table.array();
    bytes[CHECKSUM_OFFSET] = 0;
    bytes[CHECKSUM_OFFSET] = checksum(bytes, bytes.length);
    return bytes;
  }

  /** The byte that makes the sum of the first bytes 0. */
  static byte checksum(byte[] bytes, int length) {
    byte sum = 0;
    for (int i = 0; i < length; i++) {
      sum += bytes[i];
    }
    return (byte) -sum;
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
