// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.airlift.compress.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

/** Makes kernels and modules that have valid headers and no code. */
public final class KernelFiles {
  private static final int SETUP_BYTES = 1024;
  private static final int TEXT_OFFSET = 0x100;

  private KernelFiles() {}

  /** A vmlinux whose one segment is the text. */
  public static byte[] vmlinux(byte[] text) {
    ByteBuffer b = little(TEXT_OFFSET + text.length);
    b.putInt(0, 0x464C457F).put(4, (byte) 2).put(5, (byte) 1).put(6, (byte) 1);
    b.putShort(16, (short) 2).putShort(18, (short) 62).putLong(24, 0x1000000).putLong(32, 64);
    b.putShort(52, (short) 64).putShort(54, (short) 56).putShort(56, (short) 1);
    b.putInt(64, 1).putLong(64 + 8, TEXT_OFFSET).putLong(64 + 24, 0x1000000);
    b.putLong(64 + 32, text.length).putLong(64 + 40, text.length);
    b.put(TEXT_OFFSET, text);
    return b.array();
  }

  /**
   * A bzImage with a payload that is compressed by gzip.
   *
   * @param version what its setup code names; "" for nothing
   */
  public static byte[] bzImage(String version, byte[] vmlinux) {
    byte[] payload = gzip(vmlinux);
    int protectedBytes = (payload.length + 15) & ~15;
    ByteBuffer b = little(SETUP_BYTES + protectedBytes);
    b.put(0x1F1, (byte) 1).putInt(0x1F4, protectedBytes / 16).putShort(0x1FE, (short) 0xAA55);
    b.putShort(0x200, (short) 0x6AEB).putInt(0x202, 0x53726448).putShort(0x206, (short) 0x020F);
    b.put(0x211, (byte) 1).putInt(0x230, 0x200000).put(0x234, (byte) 1);
    b.putInt(0x24C, payload.length).put(SETUP_BYTES, payload);
    if (!version.isEmpty()) {
      b.putShort(0x20E, (short) 0x100).put(0x300, version.getBytes(US_ASCII));
    }
    return b.array();
  }

  /** The text of a kernel with its banner and, unless it is null, a configuration in it. */
  public static byte[] text(String release, String config) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    text.writeBytes(new byte[100]);
    text.writeBytes("Linux version %s (%s)\0IKCFG_ST is no start\0".getBytes(US_ASCII));
    if (config != null) {
      text.writeBytes("IKCFG_ST".getBytes(US_ASCII));
      text.writeBytes(gzip(config.getBytes(US_ASCII)));
      text.writeBytes("IKCFG_ED".getBytes(US_ASCII));
    }
    text.writeBytes(("Linux version " + release + " (me@here) #1\n\0").getBytes(US_ASCII));
    text.writeBytes(new byte[100]);
    return text.toByteArray();
  }

  /** A module that says something of itself. */
  public static byte[] module(String... info) {
    byte[] texts = (String.join("\0", info) + "\0").getBytes(US_ASCII);
    byte[] names = "\0.strtab\0.modinfo\0".getBytes(US_ASCII);
    int table = (64 + texts.length + names.length + 7) & ~7;
    ByteBuffer b = little(table + 3 * 64);
    b.putInt(0, 0x464C457F).put(4, (byte) 2).put(5, (byte) 1).put(6, (byte) 1);
    b.putShort(16, (short) 1).putShort(18, (short) 62).putLong(40, table);
    b.putShort(58, (short) 64).putShort(60, (short) 3).putShort(62, (short) 1);
    b.put(64, texts).put(64 + texts.length, names);
    section(b, table + 64, 1, 64 + texts.length, names.length);
    section(b, table + 128, 9, 64, texts.length);
    return b.array();
  }

  private static void section(ByteBuffer b, int at, int name, long offset, long length) {
    b.putInt(at, name).putInt(at + 4, 1).putLong(at + 24, offset).putLong(at + 32, length);
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Writes a file with the directories that it is in. */
  public static Path write(Path file, byte[] bytes) throws IOException {
    Files.createDirectories(file.getParent());
    return Files.write(file, bytes);
  }

  /** Writes a text file with the directories that it is in. */
  public static Path write(Path file, String text) throws IOException {
    return write(file, text.getBytes(US_ASCII));
  }

  static byte[] gzip(byte[] plain) {
    return pack(ModuleCompression.GZIP, plain);
  }

  static byte[] pack(ModuleCompression compression, byte[] plain) {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream out =
        switch (compression) {
          case NONE -> packed;
          case GZIP -> new GZIPOutputStream(packed);
          case XZ -> new XZOutputStream(packed, new LZMA2Options(1), XZ.CHECK_CRC32);
          case ZSTD -> new ZstdOutputStream(packed);
        }) {
      out.write(plain);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return packed.toByteArray();
  }
}
