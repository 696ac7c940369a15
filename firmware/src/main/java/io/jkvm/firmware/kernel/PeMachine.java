// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.nio.ByteBuffer;

/** The processor that an EFI program was built for (PE format, "COFF File Header", Machine). */
final class PeMachine {
  private static final int HEADER_POINTER = 0x3C;
  private static final int SIGNATURE = 0x4550; // "PE\0\0"

  /** The name of the machine that kernels are run on here. */
  static final String X86_64 = "x86-64";

  private PeMachine() {}

  /**
   * The machine's name.
   *
   * @param head the file's first bytes, little-endian
   * @return empty if there is no PE header in them
   */
  static String name(ByteBuffer head) {
    if (head.limit() < HEADER_POINTER + 4) {
      return "";
    }
    int at = head.getInt(HEADER_POINTER);
    if (at < 0 || at > head.limit() - 6 || head.getInt(at) != SIGNATURE) {
      return "";
    }
    int machine = head.getShort(at + 4) & 0xFFFF;
    return switch (machine) {
      case 0x8664 -> X86_64;
      case 0x014C -> "32-bit x86";
      case 0xAA64 -> "ARM64";
      case 0x01C0, 0x01C2, 0x01C4 -> "32-bit ARM";
      case 0x5032 -> "32-bit RISC-V";
      case 0x5064 -> "RISC-V";
      case 0x6232 -> "32-bit LoongArch";
      case 0x6264 -> "LoongArch";
      case 0x0200 -> "Itanium";
      default -> String.format("another machine (0x%04x)", machine);
    };
  }
}
