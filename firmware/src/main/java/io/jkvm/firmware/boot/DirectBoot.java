// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.firmware.cpu.LongModeEntry;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.kernel.SetupHeader;

/**
 * Boots an ELF kernel at its own 64-bit entry; of a bzImage, the kernel unpacked on the host, which
 * skips the guest's decompressor.
 */
public final class DirectBoot {
  private DirectBoot() {}

  /** Loads a vmlinux. */
  public static LongModeEntry load(BootConfig config, ElfKernel kernel)
      throws KernelFormatException, BootException {
    return load(
        config,
        kernel,
        BootParams.forElf(),
        SetupHeader.DEFAULT_INITRD_ADDRESS_MAX,
        SetupHeader.DEFAULT_COMMAND_LINE_BYTES);
  }

  /**
   * Loads the kernel proper of a bzImage.
   *
   * @param unpacked what {@link BzImage#unpack} returned, perhaps on another thread
   */
  public static LongModeEntry load(BootConfig config, BzImage image, ElfKernel unpacked)
      throws KernelFormatException, BootException {
    SetupHeader header = image.header();
    return load(
        config,
        unpacked,
        BootParams.of(header),
        header.initrdAddressMax(),
        header.commandLineBytes());
  }

  /**
   * The guest-physical address of a kernel's 64-bit entry.
   *
   * @throws BootException if it has none
   */
  private static long entryAddress(ElfKernel kernel) throws BootException {
    return kernel
        .entryAddress()
        .orElseThrow(
            () ->
                new BootException(
                    "kernel " + kernel.path() + " has no 64-bit entry, only PVH: use --boot=pvh"));
  }

  private static LongModeEntry load(
      BootConfig config,
      ElfKernel kernel,
      BootParams params,
      long initrdAddressMax,
      long commandLineBytes)
      throws KernelFormatException, BootException {
    long entry = entryAddress(kernel);
    KernelPlacement.check(
        config.memory(), kernel.path(), kernel.startAddress(), kernel.endAddress());
    try {
      kernel.load(config.memory());
      Initrd initrd =
          Initrd.load(config.memory(), config.initrds(), kernel.endAddress(), initrdAddressMax);
      return LongModeBoot.finish(config, params, initrd, commandLineBytes, entry);
    } catch (GuestFault e) {
      throw KernelPlacement.doesNotFit(kernel.path(), e);
    }
  }
}
