// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.testing;

import io.airlift.compress.Compressor;
import io.airlift.compress.lz4.Lz4Compressor;
import io.airlift.compress.lzo.LzoCompressor;
import io.airlift.compress.zstd.ZstdCompressor;
import io.jkvm.firmware.kernel.payload.PayloadFormat;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.LZMAOutputStream;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

/** Compresses payloads as Linux's build does. */
public final class Payloads {
  private static final int LZ4_BLOCK_BYTES = 8 << 20;
  private static final int LZO_BLOCK_BYTES = 256 << 10;

  private Payloads() {}

  /** Compresses and appends the size field. */
  public static byte[] pack(PayloadFormat format, byte[] plain) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    switch (format) {
      case GZIP -> {
        write(new GZIPOutputStream(out), plain);
        return out.toByteArray(); // ISIZE is the size field
      }
      case ELF -> out.write(plain);
      case LZ4 -> lz4(out, plain);
      case LZO -> lzop(out, plain);
      case ZSTD -> out.write(compress(new ZstdCompressor(), plain, 0, plain.length));
      case BZIP2 -> write(new BZip2CompressorOutputStream(out), plain);
      case LZMA -> write(new LZMAOutputStream(out, new LZMA2Options(6), -1), plain);
      case XZ ->
          write(
              new XZOutputStream(
                  out, new FilterOptions[] {new X86Options(), new LZMA2Options(6)}, XZ.CHECK_CRC32),
              plain);
      default -> throw new IllegalArgumentException(format.name());
    }
    return withSize(out.toByteArray(), plain.length);
  }

  /** Appends the size field. */
  public static byte[] withSize(byte[] packed, int size) {
    byte[] payload = Arrays.copyOf(packed, packed.length + 4);
    ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).putInt(packed.length, size);
    return payload;
  }

  /** Runs a command that compresses its standard input; null if there is no such command. */
  public static byte[] command(Path folder, byte[] plain, String... command)
      throws IOException, InterruptedException {
    Path in = Files.write(folder.resolve("plain"), plain);
    Path out = folder.resolve("packed");
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectInput(in.toFile())
              .redirectOutput(out.toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      return null;
    }
    return process.waitFor() == 0 ? Files.readAllBytes(out) : null;
  }

  private static void write(OutputStream out, byte[] plain) throws IOException {
    try (out) {
      out.write(plain);
    }
  }

  private static byte[] compress(Compressor compressor, byte[] plain, int from, int length) {
    byte[] packed = new byte[compressor.maxCompressedLength(length)];
    int count = compressor.compress(plain, from, length, packed, 0, packed.length);
    return Arrays.copyOf(packed, count);
  }

  private static void lz4(ByteArrayOutputStream out, byte[] plain) throws IOException {
    out.write(new byte[] {0x02, 0x21, 0x4C, 0x18});
    for (int at = 0; at < plain.length; at += LZ4_BLOCK_BYTES) {
      int length = Math.min(LZ4_BLOCK_BYTES, plain.length - at);
      byte[] block = compress(new Lz4Compressor(), plain, at, length);
      byte[] size = new byte[4];
      ByteBuffer.wrap(size).order(ByteOrder.LITTLE_ENDIAN).putInt(block.length);
      out.write(size);
      out.write(block);
    }
  }

  /** The decoder checks no checksum, so they are 0. */
  private static void lzop(ByteArrayOutputStream bytes, byte[] plain) throws IOException {
    DataOutputStream out = new DataOutputStream(bytes);
    out.write(new byte[] {(byte) 0x89, 'L', 'Z', 'O', 0, 0x0D, 0x0A, 0x1A, 0x0A});
    out.writeShort(0x1040);
    out.writeShort(0x20A0);
    out.writeShort(0x0940);
    out.write(new byte[] {1, 5});
    out.writeInt(0x1 | 0x2 | 0x40 | 0x200);
    out.write(new byte[12]);
    out.write(4);
    out.write("name".getBytes(StandardCharsets.US_ASCII));
    out.writeInt(0);
    out.writeInt(3); // extra field
    out.write(new byte[3 + 4]);
    for (int at = 0; at < plain.length; at += LZO_BLOCK_BYTES) {
      int length = Math.min(LZO_BLOCK_BYTES, plain.length - at);
      byte[] block = compress(new LzoCompressor(), plain, at, length);
      out.writeInt(length);
      boolean stored = block.length >= length;
      out.writeInt(stored ? length : block.length);
      out.writeInt(0);
      if (stored) {
        out.write(plain, at, length);
      } else {
        out.write(new byte[8]);
        out.write(block);
      }
    }
    out.writeInt(0);
  }
}
