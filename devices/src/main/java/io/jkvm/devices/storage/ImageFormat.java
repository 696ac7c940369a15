// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Formats of image files other than raw, by their magic numbers. A guest that took one for a raw
 * disk would find no file system on it, and destroy its header with the first write.
 */
enum ImageFormat {
  QCOW2("a qcow2 image", false, 0, "514649fb"),
  QED("a QED image", false, 0, "51454400"),
  VMDK("a VMDK image", false, 0, "4b444d56"),
  VMDK_ESX("a VMDK image", false, 0, "434f5744"),
  VMDK_DESCRIPTOR("a VMDK descriptor", false, 0, hexOf("# Disk DescriptorFile")),
  VDI("a VDI image", false, 64, "7f10dabe"),
  VHDX("a VHDX image", false, 0, hexOf("vhdxfile")),
  VHD("a VHD image", false, 0, hexOf("conectix")),
  PARALLELS("a Parallels image", false, 0, hexOf("WithoutFreeSpace")),
  PARALLELS_EXTENDED("a Parallels image", false, 0, hexOf("WithouFreSpacExt")),
  BOCHS("a Bochs image", false, 0, hexOf("Bochs Virtual HD Image")),
  ANDROID_SPARSE("an Android sparse image", true, 0, "3aff26ed"),
  PROXMOX_BACKUP("a Proxmox backup", true, 0, hexOf("VMA") + "00"),
  EXPERT_WITNESS("an Expert Witness image", true, 0, "455646090d0aff00"),
  WINDOWS_IMAGING("a Windows Imaging file", true, 0, hexOf("MSWIM") + "000000"),
  GZIP("compressed with gzip", true, 0, "1f8b08"),
  XZ("compressed with xz", true, 0, "fd377a585a00"),
  ZSTD("compressed with zstd", true, 0, "28b52ffd"),
  BZIP2("compressed with bzip2", true, 0, "425a68"),
  LZ4("compressed with lz4", true, 0, "04224d18"),
  LZ4_LEGACY("compressed with lz4", true, 0, "02214c18"),
  LZOP("compressed with lzop", true, 0, "894c5a4f000d0a1a0a"),
  COMPRESS("compressed with compress", true, 0, "1f9d"),
  SEVEN_ZIP("a 7z archive", true, 0, "377abcaf271c"),
  RAR("a RAR archive", true, 0, "526172211a07"),
  ZIP("a ZIP archive", true, 0, "504b0304");

  /** How much of the file {@link #of} looks at. */
  static final int HEAD_BYTES = 128;

  private final String description;
  private final boolean compressed;
  private final int offset;
  private final byte[] magic;

  ImageFormat(String description, boolean compressed, int offset, String magic) {
    this.description = description;
    this.compressed = compressed;
    this.offset = offset;
    this.magic = HexFormat.of().parseHex(magic);
  }

  private static String hexOf(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
  }

  /**
   * The format of a file; empty for what may be a raw disk.
   *
   * @param head its first bytes
   */
  static Optional<ImageFormat> of(ByteBuffer head) {
    for (ImageFormat format : values()) {
      int end = format.offset + format.magic.length;
      if (end <= head.limit()
          && head.slice(format.offset, format.magic.length).equals(ByteBuffer.wrap(format.magic))) {
        return Optional.of(format);
      }
    }
    return Optional.empty();
  }

  /** For a sentence: "is ...". */
  String description() {
    return description;
  }

  /** True for what must be unpacked, false for what can be converted. */
  boolean isCompressed() {
    return compressed;
  }
}
