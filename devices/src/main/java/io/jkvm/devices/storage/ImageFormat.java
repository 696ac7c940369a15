// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.devices.storage.DiskException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Formats of files other than raw images, by their magic numbers. A guest that took one for a raw
 * disk would find no file system on it, and destroy its header with the first write.
 */
enum ImageFormat {
  QCOW2("a qcow2 image", Kind.OTHER_FORMAT, 0, "514649fb"),
  QED("a QED image", Kind.OTHER_FORMAT, 0, "51454400"),
  VMDK("a VMDK image", Kind.OTHER_FORMAT, 0, "4b444d56"),
  VMDK_ESX("a VMDK image", Kind.OTHER_FORMAT, 0, "434f5744"),
  VMDK_DESCRIPTOR("a VMDK descriptor", Kind.OTHER_FORMAT, 0, hexOf("# Disk DescriptorFile")),
  VDI("a VDI image", Kind.OTHER_FORMAT, 64, "7f10dabe"),
  VHDX("a VHDX image", Kind.OTHER_FORMAT, 0, hexOf("vhdxfile")),
  VHD("a VHD image", Kind.OTHER_FORMAT, 0, hexOf("conectix")),
  PARALLELS("a Parallels image", Kind.OTHER_FORMAT, 0, hexOf("WithoutFreeSpace")),
  PARALLELS_EXTENDED("a Parallels image", Kind.OTHER_FORMAT, 0, hexOf("WithouFreSpacExt")),
  BOCHS("a Bochs image", Kind.OTHER_FORMAT, 0, hexOf("Bochs Virtual HD Image")),
  ANDROID_SPARSE("an Android sparse image", Kind.COMPRESSED, 0, "3aff26ed"),
  PROXMOX_BACKUP("a Proxmox backup", Kind.COMPRESSED, 0, hexOf("VMA") + "00"),
  EXPERT_WITNESS("an Expert Witness image", Kind.COMPRESSED, 0, "455646090d0aff00"),
  WINDOWS_IMAGING("a Windows Imaging file", Kind.COMPRESSED, 0, hexOf("MSWIM") + "000000"),
  GZIP("compressed with gzip", Kind.COMPRESSED, 0, "1f8b08"),
  XZ("compressed with xz", Kind.COMPRESSED, 0, "fd377a585a00"),
  ZSTD("compressed with zstd", Kind.COMPRESSED, 0, "28b52ffd"),
  BZIP2("compressed with bzip2", Kind.COMPRESSED, 0, "425a68"),
  LZ4("compressed with lz4", Kind.COMPRESSED, 0, "04224d18"),
  LZ4_LEGACY("compressed with lz4", Kind.COMPRESSED, 0, "02214c18"),
  LZOP("compressed with lzop", Kind.COMPRESSED, 0, "894c5a4f000d0a1a0a"),
  COMPRESS("compressed with compress", Kind.COMPRESSED, 0, "1f9d"),
  SEVEN_ZIP("a 7z archive", Kind.COMPRESSED, 0, "377abcaf271c"),
  RAR("a RAR archive", Kind.COMPRESSED, 0, "526172211a07"),
  ZIP("a ZIP archive", Kind.COMPRESSED, 0, "504b0304"),
  CPIO("a cpio archive, as an initramfs is", Kind.PROGRAM, 0, hexOf("070701")),
  SCRIPT("a script", Kind.PROGRAM, 0, hexOf("#!")),
  ELF("an ELF file", Kind.PROGRAM, 0, "7f454c46"),
  // Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
  BZIMAGE("a Linux kernel", Kind.PROGRAM, 0x202, hexOf("HdrS"));

  /** How much of the file {@link #of} looks at. */
  static final int HEAD_BYTES = 1024;

  private final String description;
  private final Kind kind;
  private final int offset;
  private final byte[] magic;

  ImageFormat(String description, Kind kind, int offset, String magic) {
    this.description = description;
    this.kind = kind;
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

  /** What could be done about it. */
  Kind kind() {
    return kind;
  }
}
