// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.nio.ByteBuffer;

/** What a file given as a kernel is, by its first bytes, with what to say where it is no kernel. */
enum FileKind {
  BZIMAGE(""),
  ELF(""),
  ARM64_IMAGE("is an ARM64 kernel (Image): give one built for x86-64"),
  ARM_ZIMAGE("is a 32-bit ARM kernel (zImage): give one built for x86-64"),
  RISCV_IMAGE("is a RISC-V kernel (Image): give one built for x86-64"),
  EFI_ZBOOT("is a compressed EFI kernel (zboot)"),
  UIMAGE("is a U-Boot image (uImage): give the bzImage or vmlinux it was made of"),
  CPIO("is a cpio archive (an initramfs): give it with --initrd, and a kernel with --kernel"),
  GZIP("gzip", "gunzip"),
  XZ("xz", "unxz"),
  ZSTD("zstd", "unzstd"),
  LZ4("LZ4", "unlz4"),
  BZIP2("bzip2", "bunzip2"),
  DISK(
      "is a disk image or boot sector with no Linux kernel header: give it with --disk, and a"
          + " bzImage or vmlinux with --kernel"),
  EFI("is an EFI program"),
  TEXT("is a text file: give a bzImage or a vmlinux"),
  UNKNOWN("is not a Linux kernel: give a bzImage (arch/x86/boot/bzImage) or an ELF vmlinux");

  /** As much of the file as {@link #of} wants to see; it holds the whole setup header. */
  static final int HEAD_BYTES = 2048;

  private static final int BOOT_FLAG_OFFSET = 0x1FE;
  private static final int BOOT_FLAG = 0xAA55;
  private static final int HEADER_OFFSET = 0x202;
  private static final int HDRS = 0x53726448;
  private static final int ZBOOT_MAGIC = 0x676D697A; // "zimg"
  private static final int EXT4_MAGIC_OFFSET = 1080;
  private static final int EXT4_MAGIC = 0xEF53;

  /** What to say; the name of the format where {@link #unpackCommand} is set. */
  private final String problem;

  private final String unpackCommand;

  FileKind(String problem) {
    this(problem, null);
  }

  FileKind(String format, String unpackCommand) {
    this.problem = format;
    this.unpackCommand = unpackCommand;
  }

  /**
   * Continues a sentence that begins with the file's name.
   *
   * @param head what {@link #of} was given
   */
  String problem(ByteBuffer head) {
    if (this == EFI || this == EFI_ZBOOT) {
      return efiProblem(PeMachine.name(head));
    }
    if (unpackCommand == null) {
      return problem;
    }
    return "is a "
        + problem
        + "-compressed file: unpack it first ("
        + unpackCommand
        + ") if it is a vmlinux, or give it with --initrd if it is an initramfs";
  }

  private String efiProblem(String machine) {
    if (!machine.isEmpty() && !"x86-64".equals(machine)) {
      return problem + " for " + machine + ": give a kernel built for x86-64";
    }
    return problem
        + (machine.isEmpty() ? "" : " for " + machine)
        + " that only UEFI firmware can start (it has no Linux boot header): give the bzImage or"
        + " the vmlinux that it was made of";
  }

  /**
   * Classifies a file.
   *
   * @param head its first bytes, little-endian, at most {@link #HEAD_BYTES}
   */
  static FileKind of(ByteBuffer head) {
    // Before the header check: an ARM64 Image may begin with "MZ" just as a bzImage may.
    int magic56 = u32(head, 56);
    if (magic56 == 0x644D5241) {
      return ARM64_IMAGE;
    }
    // The first RISC-V kernels have the older of the two magics only.
    if (magic56 == 0x05435352 || u32(head, 48) == 0x43534952 && u32(head, 52) == 0x56) {
      return RISCV_IMAGE;
    }
    if (u32(head, HEADER_OFFSET) == HDRS) {
      return BZIMAGE;
    }
    int magic36 = u32(head, 0x24);
    if (magic36 == 0x016F2818 || magic36 == 0x18286F01) {
      return ARM_ZIMAGE;
    }
    FileKind kind = byFirstBytes(u32(head, 0), head);
    if (kind != UNKNOWN) {
      return kind;
    }
    if (u16(head, EXT4_MAGIC_OFFSET) == EXT4_MAGIC || u16(head, BOOT_FLAG_OFFSET) == BOOT_FLAG) {
      return DISK;
    }
    return isText(head) ? TEXT : UNKNOWN;
  }

  private static FileKind byFirstBytes(int magic, ByteBuffer head) {
    switch (magic) {
      case 0x464C457F:
        return ELF;
      case 0x56190527:
        return UIMAGE;
      case 0x37303730:
        return CPIO;
      case 0xFD2FB528:
        return ZSTD;
      case 0x184C2102, 0x184D2204:
        return LZ4;
      case 0x587A37FD:
        return XZ;
      default:
        break;
    }
    switch (magic & 0xFFFF) {
      case 0x8B1F:
        return GZIP;
      case 0x5A42:
        return (magic >>> 16 & 0xFF) == 'h' ? BZIP2 : UNKNOWN;
      case 0x71C7:
        return CPIO;
      case 0x5A4D:
        if (u32(head, 4) == ZBOOT_MAGIC) {
          return EFI_ZBOOT;
        }
        return isText(head) ? TEXT : EFI;
      default:
        return UNKNOWN;
    }
  }

  private static boolean isText(ByteBuffer head) {
    for (int i = 0; i < head.limit(); i++) {
      int b = head.get(i) & 0xFF;
      if (b < ' ' && b != '\n' && b != '\r' && b != '\t' && b != '\f' && b != 0x1B || b == 0x7F) {
        return false;
      }
    }
    return true;
  }

  private static int u32(ByteBuffer head, int offset) {
    return offset + 4 <= head.limit() ? head.getInt(offset) : 0;
  }

  private static int u16(ByteBuffer head, int offset) {
    return offset + 2 <= head.limit() ? head.getShort(offset) & 0xFFFF : 0;
  }
}
