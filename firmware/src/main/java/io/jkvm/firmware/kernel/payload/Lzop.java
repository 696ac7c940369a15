// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel.payload;

import io.airlift.compress.lzo.LzoDecompressor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The file format of the lzop program: a header, then LZO1X blocks, all numbers big-endian. */
final class Lzop {
  private static final int MAGIC_BYTES = 9;
  private static final int VERSION_WITH_LEVEL = 0x0940;

  private static final int ADLER32_PLAIN = 0x1;
  private static final int ADLER32_PACKED = 0x2;
  private static final int EXTRA_FIELD = 0x40;
  private static final int CRC32_PLAIN = 0x100;
  private static final int CRC32_PACKED = 0x200;
  private static final int FILTER = 0x800;

  private Lzop() {}

  /**
   * Unpacks a whole file.
   *
   * @return bytes written to the output
   * @throws IOException if the file is damaged; so do RuntimeExceptions of the decoder
   */
  static int decode(byte[] payload, int length, byte[] output) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(payload, 0, length).order(ByteOrder.BIG_ENDIAN);
    int flags = skipHeader(in);
    LzoDecompressor decompressor = new LzoDecompressor();
    int done = 0;
    for (int plain = in.getInt(); plain != 0; plain = in.getInt()) {
      int packed = in.getInt();
      int checksums = count(flags, ADLER32_PLAIN, CRC32_PLAIN);
      if (packed != plain) {
        checksums += count(flags, ADLER32_PACKED, CRC32_PACKED);
      }
      in.position(in.position() + 4 * checksums);
      if (plain < 0 || packed <= 0 || packed > plain || plain > output.length - done) {
        throw new IOException("LZO block of " + packed + " bytes for " + plain);
      }
      if (packed == plain) {
        in.get(output, done, plain);
      } else {
        if (packed > in.remaining()) {
          throw new IOException("LZO block of " + packed + " bytes is cut off");
        }
        int count = decompressor.decompress(payload, in.position(), packed, output, done, plain);
        if (count != plain) {
          throw new IOException("LZO block unpacks to " + count + " bytes, not " + plain);
        }
        in.position(in.position() + packed);
      }
      done += plain;
    }
    return done;
  }

  /** Leaves the buffer at the first block. */
  private static int skipHeader(ByteBuffer in) {
    in.position(MAGIC_BYTES);
    boolean withLevel = (in.getShort() & 0xFFFF) >= VERSION_WITH_LEVEL;
    in.getShort(); // version of the library
    if (withLevel) {
      in.getShort(); // version needed to extract
    }
    in.get(); // method
    if (withLevel) {
      in.get(); // level
    }
    int flags = in.getInt();
    if ((flags & FILTER) != 0) {
      in.getInt();
    }
    in.position(in.position() + (withLevel ? 12 : 8)); // mode, modification time
    int nameBytes = in.get() & 0xFF;
    in.position(in.position() + nameBytes + 4); // name, header checksum
    if ((flags & EXTRA_FIELD) != 0) {
      in.position(in.position() + in.getInt(in.position()) + 8); // length, field, checksum
    }
    return flags;
  }

  private static int count(int flags, int one, int other) {
    return ((flags & one) != 0 ? 1 : 0) + ((flags & other) != 0 ? 1 : 0);
  }
}
