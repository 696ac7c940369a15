// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel.payload;

import java.nio.ByteBuffer;

/** How the payload of a bzImage is stored, by its first bytes. */
public enum PayloadFormat {
  GZIP(0x1F, 0x8B),
  /** The "legacy" LZ4 frame: independent blocks of up to 8 MiB. */
  LZ4(0x02, 0x21, 0x4C, 0x18),
  ZSTD(0x28, 0xB5, 0x2F, 0xFD),
  XZ(0xFD, '7', 'z', 'X', 'Z', 0),
  BZIP2('B', 'Z', 'h'),
  LZO(0x89, 'L', 'Z', 'O', 0, 0x0D, 0x0A, 0x1A, 0x0A),
  /** LZMA "alone": it has no magic, but Linux always uses these properties and this first byte. */
  LZMA(0x5D, 0, 0),
  /** Not compressed: an ELF as it is. */
  ELF(0x7F, 'E', 'L', 'F'),
  /** None of the above. */
  UNKNOWN,
  /** The kernel does not say where its payload is (before protocol 2.08). */
  ABSENT;

  private final byte[] magic;

  PayloadFormat(int... magic) {
    this.magic = new byte[magic.length];
    for (int i = 0; i < magic.length; i++) {
      this.magic[i] = (byte) magic[i];
    }
  }

  /** True if the payload can be unpacked on the host. */
  public boolean known() {
    return this != UNKNOWN && this != ABSENT;
  }

  public static PayloadFormat of(ByteBuffer start) {
    if (!start.hasRemaining()) {
      return ABSENT;
    }
    for (PayloadFormat format : values()) {
      if (format.known() && startsWith(start, format.magic)) {
        return format;
      }
    }
    return UNKNOWN;
  }

  private static boolean startsWith(ByteBuffer start, byte[] magic) {
    if (start.remaining() < magic.length) {
      return false;
    }
    for (int i = 0; i < magic.length; i++) {
      if (start.get(start.position() + i) != magic[i]) {
        return false;
      }
    }
    return true;
  }
}
