// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel.payload;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.SingleXZInputStream;

/**
 * The payload formats whose decoders are streams. A class of its own so that an LZ4 or zstd kernel
 * does not pay for loading these libraries, 16 ms of a cold start.
 */
final class PayloadStream {
  private static final int BUFFER_BYTES = 1 << 16;

  /** The kernel's build uses dictionaries of up to 128 MiB for xz. */
  private static final int MEMORY_LIMIT_KIB = 160 << 10;

  private PayloadStream() {}

  /**
   * Unpacks a whole payload.
   *
   * @param length of the payload without the size field
   * @return bytes written to the output
   */
  static int decode(PayloadFormat format, byte[] payload, int length, byte[] output)
      throws IOException {
    try (InputStream in = open(format, payload, length)) {
      int count = in.readNBytes(output, 0, output.length);
      if (in.read() >= 0) {
        throw new IOException("it unpacks to more than the " + output.length + " bytes it claims");
      }
      return count;
    }
  }

  private static InputStream open(PayloadFormat format, byte[] payload, int length)
      throws IOException {
    InputStream in = new ByteArrayInputStream(payload, 0, length);
    return switch (format) {
      // ISIZE belongs to the gzip format: the stream needs all of the payload.
      case GZIP -> new GZIPInputStream(new ByteArrayInputStream(payload), BUFFER_BYTES);
      case XZ -> new SingleXZInputStream(in, MEMORY_LIMIT_KIB);
      case LZMA -> new LZMAInputStream(in, MEMORY_LIMIT_KIB);
      case BZIP2 -> new BZip2CompressorInputStream(in);
      default -> throw new IllegalArgumentException(format.name());
    };
  }
}
