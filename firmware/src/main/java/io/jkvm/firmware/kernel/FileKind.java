// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import io.jkvm.firmware.kernel.KernelFormatException.Kind;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** What a file given as a kernel is, by its first bytes, with what to say where it is no kernel. */
enum FileKind {
  BZIMAGE(null, ""),
  ELF(null, ""),
  ARM64_IMAGE(Kind.OTHER_ARCHITECTURE, "is an ARM64 kernel (Image)"),
  ARM_ZIMAGE(Kind.OTHER_ARCHITECTURE, "is a 32-bit ARM kernel (zImage)"),
  RISCV_IMAGE(Kind.OTHER_ARCHITECTURE, "is a RISC-V kernel (Image)"),
  EFI_ZBOOT(Kind.EFI_ONLY, "is a compressed EFI kernel (zboot)"),
  UIMAGE(Kind.UBOOT_IMAGE, "is a U-Boot image (uImage)"),
  CPIO(Kind.INITRAMFS, "is a cpio archive (an initramfs)"),
  GZIP(Kind.COMPRESSED, "is a gzip-compressed file (gunzip unpacks it)"),
  XZ(Kind.COMPRESSED, "is an xz-compressed file (unxz unpacks it)"),
  ZSTD(Kind.COMPRESSED, "is a zstd-compressed file (unzstd unpacks it)"),
  LZ4(Kind.COMPRESSED, "is an LZ4-compressed file (unlz4 unpacks it)"),
  BZIP2(Kind.COMPRESSED, "is a bzip2-compressed file (bunzip2 unpacks it)"),
  DISK(Kind.DISK_IMAGE, "is a disk image or boot sector with no Linux kernel header"),
  EFI(Kind.EFI_ONLY, "is an EFI program"),
  TEXT(Kind.TEXT, "is a text file"),
  UNKNOWN(Kind.NOT_A_KERNEL, "is not a Linux kernel");

  /** As much of the file as {@link #of} wants to see; it holds the whole setup header. */
  static final int HEAD_BYTES = 2048;

  private static final int ZBOOT_MAGIC = 0x676D697A; // "zimg"
  private static final int EXT4_MAGIC_OFFSET = 1080;
  private static final int EXT4_MAGIC = 0xEF53;

  private final Kind problem;
  private final String fact;

  FileKind(Kind problem, String fact) {
    this.problem = problem;
    this.fact = fact;
  }

  /**
   * Why a file of this kind is refused.
   *
   * @param head what {@link #of} was given
   */
  KernelFormatException refusal(Path file, ByteBuffer head) {
    return problem == Kind.EFI_ONLY
        ? efiRefusal(file, PeMachine.name(head))
        : new KernelFormatException(file, problem, fact);
  }

  private KernelFormatException efiRefusal(Path file, String machine) {
    String built = machine.isEmpty() ? fact : fact + " for " + machine;
    if (!machine.isEmpty() && !PeMachine.X86_64.equals(machine)) {
      return new KernelFormatException(file, Kind.OTHER_ARCHITECTURE, built);
    }
    return new KernelFormatException(
        file, problem, built + " that only UEFI firmware can start (it has no Linux boot header)");
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
    if (u32(head, BootProtocol.HEADER) == BootProtocol.HEADER_MAGIC) {
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
    if (u16(head, EXT4_MAGIC_OFFSET) == EXT4_MAGIC
        || u16(head, BootProtocol.BOOT_FLAG) == BootProtocol.BOOT_FLAG_MAGIC) {
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
