// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Encodes terms of the ACPI machine language (ACPI 6.4, section 20.2). Each function returns one
 * whole term; a larger term takes smaller ones as its parts.
 */
final class Aml {
  private static final int ZERO_OP = 0x00;
  private static final int ONE_OP = 0x01;
  private static final int NAME_OP = 0x08;
  private static final int BYTE_PREFIX = 0x0A;
  private static final int WORD_PREFIX = 0x0B;
  private static final int DWORD_PREFIX = 0x0C;
  private static final int STRING_PREFIX = 0x0D;
  private static final int QWORD_PREFIX = 0x0E;
  private static final int SCOPE_OP = 0x10;
  private static final int BUFFER_OP = 0x11;
  private static final int PACKAGE_OP = 0x12;
  private static final int METHOD_OP = 0x14;
  private static final int DUAL_NAME_PREFIX = 0x2E;
  private static final int MULTI_NAME_PREFIX = 0x2F;
  private static final int EXT_OP_PREFIX = 0x5B;
  private static final int DEVICE_OP = 0x82;
  private static final int RETURN_OP = 0xA4;

  private static final int NAME_SEGMENT_BYTES = 4;
  private static final int MAX_ARGUMENTS = 7;
  private static final int METHOD_SERIALIZED = 1 << 3;

  private Aml() {}

  /**
   * A NameString (20.2.2): segments of 1 to 4 of {@code A-Z 0-9 _} divided by dots, with a
   * backslash in front for an absolute path.
   */
  static byte[] nameString(String path) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    String relative = path;
    if (path.startsWith("\\")) {
      out.write('\\');
      relative = path.substring(1);
    }
    String[] segments = relative.split("\\.", -1);
    if (segments.length == 2) {
      out.write(DUAL_NAME_PREFIX);
    } else if (segments.length > 2) {
      out.write(MULTI_NAME_PREFIX);
      out.write(segments.length);
    }
    for (String segment : segments) {
      if (!segment.matches("[A-Z_][A-Z0-9_]{0,3}")) {
        throw new IllegalArgumentException("not an AML name: " + path);
      }
      byte[] padded = (segment + "___").getBytes(StandardCharsets.US_ASCII);
      out.write(padded, 0, NAME_SEGMENT_BYTES);
    }
    return out.toByteArray();
  }

  /** An unsigned 64-bit integer in the shortest form (20.2.3). */
  static byte[] integer(long value) {
    if (value == 0) {
      return new byte[] {ZERO_OP};
    }
    if (value == 1) {
      return new byte[] {ONE_OP};
    }
    ByteBuffer out = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
    if (value >>> 8 == 0) {
      out.put((byte) BYTE_PREFIX).put((byte) value);
    } else if (value >>> 16 == 0) {
      out.put((byte) WORD_PREFIX).putShort((short) value);
    } else if (value >>> 32 == 0) {
      out.put((byte) DWORD_PREFIX).putInt((int) value);
    } else {
      out.put((byte) QWORD_PREFIX).putLong(value);
    }
    return Bytes.written(out);
  }

  /** A string of ASCII characters without NUL (20.2.3). */
  static byte[] string(String text) {
    if (!text.chars().allMatch(c -> c > 0 && c < 0x80)) {
      throw new IllegalArgumentException("not ASCII: " + text);
    }
    return Bytes.join(
        new byte[] {STRING_PREFIX}, text.getBytes(StandardCharsets.US_ASCII), new byte[] {ZERO_OP});
  }

  /**
   * The integer that stands for a plug and play id (19.3.4, "ASL Macros", EISAID).
   *
   * @param id three of {@code A-Z}, then four hexadecimal digits
   */
  static byte[] eisaId(String id) {
    if (!id.matches("[A-Z]{3}[0-9A-F]{4}")) {
      throw new IllegalArgumentException("not an EISA id: " + id);
    }
    int vendor = (id.charAt(0) & 0x1F) << 10 | (id.charAt(1) & 0x1F) << 5 | id.charAt(2) & 0x1F;
    int product = Integer.parseInt(id.substring(3), 16);
    return integer(Integer.toUnsignedLong(Integer.reverseBytes(vendor << 16 | product)));
  }

  /** DefBuffer (20.2.5.4). */
  static byte[] buffer(byte[] content) {
    return block(BUFFER_OP, integer(content.length), content);
  }

  /** DefPackage (20.2.5.4) of at most 255 elements. */
  static byte[] packageOf(List<byte[]> elements) {
    if (elements.size() > 255) {
      throw new IllegalArgumentException("package of " + elements.size());
    }
    return block(PACKAGE_OP, new byte[] {(byte) elements.size()}, Bytes.join(elements));
  }

  /** DefPackage of these elements. */
  static byte[] packageOf(byte[]... elements) {
    return packageOf(List.of(elements));
  }

  /** DefName (20.2.5.1). */
  static byte[] name(String path, byte[] object) {
    return Bytes.join(new byte[] {NAME_OP}, nameString(path), object);
  }

  /** DefScope (20.2.5.1). */
  static byte[] scope(String path, byte[]... terms) {
    return block(SCOPE_OP, nameString(path), Bytes.join(terms));
  }

  /** DefDevice (20.2.5.2). */
  static byte[] device(String path, byte[]... terms) {
    return Bytes.join(
        new byte[] {EXT_OP_PREFIX}, block(DEVICE_OP, nameString(path), Bytes.join(terms)));
  }

  /**
   * DefMethod (20.2.5.2), serialized: never run by two threads at once.
   *
   * @param arguments 0 to 7
   */
  static byte[] method(String path, int arguments, byte[]... terms) {
    if (arguments < 0 || arguments > MAX_ARGUMENTS) {
      throw new IllegalArgumentException(arguments + " arguments");
    }
    byte[] flags = {(byte) (arguments | METHOD_SERIALIZED)};
    return block(METHOD_OP, Bytes.join(nameString(path), flags), Bytes.join(terms));
  }

  /** DefReturn (20.2.5.3). */
  static byte[] returns(byte[] value) {
    return Bytes.join(new byte[] {(byte) RETURN_OP}, value);
  }

  private static byte[] block(int op, byte[] head, byte[] body) {
    return Bytes.join(new byte[] {(byte) op}, packageLength(head.length + body.length), head, body);
  }

  /**
   * PkgLength (20.2.4), which counts its own bytes too.
   *
   * @param contentBytes what follows it
   */
  static byte[] packageLength(int contentBytes) {
    if (contentBytes + 1 < 1 << 6) {
      return new byte[] {(byte) (contentBytes + 1)};
    }
    for (int following = 1; following <= 3; following++) {
      int length = contentBytes + 1 + following;
      if (length < 1 << (4 + 8 * following)) {
        byte[] encoded = new byte[1 + following];
        encoded[0] = (byte) (following << 6 | length & 0xF);
        for (int i = 0; i < following; i++) {
          encoded[1 + i] = (byte) (length >>> (4 + 8 * i));
        }
        return encoded;
      }
    }
    throw new IllegalArgumentException(contentBytes + " bytes in an AML package");
  }
}
