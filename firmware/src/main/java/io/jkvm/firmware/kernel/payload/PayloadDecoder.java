// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel.payload;

import io.airlift.compress.lz4.Lz4Decompressor;
import io.airlift.compress.zstd.ZstdDecompressor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Unpacks the payload of a bzImage. Linux's build appends the unpacked length to the payload as 4
 * little-endian bytes (for gzip they are the format's own ISIZE); the output has exactly that
 * length or the payload is damaged, so that memory use is bounded before any decoding.
 *
 * <p>The libraries were chosen by their cold start, since a JVM unpacks one kernel in its life: raw
 * LZ4 takes aircompressor 10 ms for 8 MB where commons-compress takes 105.
 */
public final class PayloadDecoder {
  /** Larger than any kernel that Linux's own address space layout allows for. */
  private static final long MAX_BYTES = 1L << 30;

  /** Real kernels shrink to a third or a tenth. */
  private static final long MAX_RATIO = 64;

  /** A small payload may unpack to this much, whatever the ratio. */
  private static final long UNSUSPICIOUS_BYTES = 16 << 20;

  private static final int SIZE_BYTES = 4;

  private PayloadDecoder() {}

  /**
   * Unpacks.
   *
   * @param payload may be changed
   * @throws PayloadException if the payload is damaged
   */
  public static byte[] decode(PayloadFormat format, byte[] payload) throws PayloadException {
    if (format == PayloadFormat.ELF) {
      return payload;
    }
    if (payload.length < SIZE_BYTES) {
      throw new PayloadException(format, "it has " + payload.length + " bytes", null);
    }
    int length = payload.length - SIZE_BYTES;
    long size =
        ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).getInt(length) & 0xFFFFFFFFL;
    if (size > MAX_BYTES || size > Math.max(UNSUSPICIOUS_BYTES, MAX_RATIO * payload.length)) {
      throw new PayloadException(
          format, payload.length + " bytes claim to unpack to " + size + " bytes", null);
    }
    if (size == 0) {
      throw new PayloadException(format, "it claims to unpack to nothing", null);
    }
    byte[] output = new byte[(int) size];
    int count;
    try {
      count = decode(format, payload, length, output);
    } catch (IOException | RuntimeException e) {
      throw new PayloadException(format, String.valueOf(e.getMessage()), e);
    }
    if (count != output.length) {
      throw new PayloadException(
          format, "it unpacks to " + count + " bytes, not " + output.length, null);
    }
    return output;
  }

  private static int decode(PayloadFormat format, byte[] payload, int length, byte[] output)
      throws IOException {
    return switch (format) {
      case LZ4 -> lz4(payload, length, output);
      case ZSTD -> zstd(payload, length, output);
      case LZO -> Lzop.decode(payload, length, output);
      default -> PayloadStream.decode(format, payload, length, output);
    };
  }

  /** The legacy frame (lz4 frame format, "Legacy frame"): magic, then blocks with their length. */
  private static int lz4(byte[] payload, int length, byte[] output) throws IOException {
    Lz4Decompressor decompressor = new Lz4Decompressor();
    ByteBuffer in = ByteBuffer.wrap(payload, 0, length).order(ByteOrder.LITTLE_ENDIAN);
    in.position(4);
    int done = 0;
    while (in.remaining() >= 4) {
      int block = in.getInt();
      if (block <= 0 || block > in.remaining()) {
        throw new IOException(
            "LZ4 block of " + Integer.toUnsignedString(block) + " bytes at " + in.position());
      }
      done +=
          decompressor.decompress(
              payload, in.position(), block, output, done, output.length - done);
      in.position(in.position() + block);
    }
    return done;
  }

  private static int zstd(byte[] payload, int length, byte[] output) throws IOException {
    int start = shrinkZstdWindow(payload, length);
    return new ZstdDecompressor()
        .decompress(payload, start, length - start, output, 0, output.length);
  }

  /**
   * Rewrites the frame header (RFC 8878, section 3.1.1.1) in place to name a window of 8 MiB.
   *
   * <p>Linux's build asks for windows of 128 MiB; the decoder refuses more than 8 MiB although it
   * has all of the output at hand to refer back to, whatever the window.
   *
   * @return where the new header begins
   */
  private static int shrinkZstdWindow(byte[] payload, int length) throws IOException {
    int descriptor = payload[4] & 0xFF;
    boolean singleSegment = (descriptor & 0x20) != 0;
    int contentSizeFlag = descriptor >>> 6;
    int contentSizeBytes = contentSizeFlag == 0 ? (singleSegment ? 1 : 0) : 1 << contentSizeFlag;
    int dictionaryBytes = new int[] {0, 1, 2, 4}[descriptor & 3];
    int blocks = 5 + (singleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
    if ((descriptor & 0x08) != 0 || dictionaryBytes != 0 || blocks > length) {
      throw new IOException("zstd frame header 0x" + Integer.toHexString(descriptor));
    }
    byte[] magic = Arrays.copyOf(payload, 4);
    int start = blocks - 6;
    System.arraycopy(magic, 0, payload, start, 4);
    payload[start + 4] = (byte) (descriptor & 0x04);
    payload[start + 5] = (23 - 10) << 3;
    return start;
  }
}
