// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.SetupHeader;

/**
 * A kernel that needs no code of its own to unpack it, and what its loader has to respect.
 *
 * @param elf the kernel proper
 * @param params a zero page that says what is known of the kernel itself
 * @param initrdAddressMax the highest address for the initrd's last byte
 * @param commandLineBytes the longest command line, without its NUL
 */
record UnpackedKernel(
    ElfKernel elf, BootParams params, long initrdAddressMax, long commandLineBytes) {
  /** A vmlinux, which does not say what it takes. */
  static UnpackedKernel of(ElfKernel vmlinux) {
    return new UnpackedKernel(
        vmlinux,
        BootParams.forElf(),
        SetupHeader.DEFAULT_INITRD_ADDRESS_MAX,
        SetupHeader.DEFAULT_COMMAND_LINE_BYTES);
  }

  /**
   * The kernel proper of a bzImage.
   *
   * @param unpacked what {@link BzImage#unpack} returned, perhaps on another thread
   */
  static UnpackedKernel of(BzImage image, ElfKernel unpacked) {
    SetupHeader header = image.header();
    return new UnpackedKernel(
        unpacked, BootParams.of(header), header.initrdAddressMax(), header.commandLineBytes());
  }
}
