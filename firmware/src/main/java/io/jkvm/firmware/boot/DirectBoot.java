// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.cpu.LongModeEntry;
import io.jkvm.firmware.cpu.LongModeTables;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.layout.X86Layout;

/**
 * Boots an ELF kernel at its own 64-bit entry; of a bzImage, the kernel unpacked on the host, which
 * skips the guest's decompressor.
 */
final class DirectBoot {
  private DirectBoot() {}

  /**
   * Loads the kernel.
   *
   * @throws BootException if it has no 64-bit entry or does not fit
   */
  static LongModeEntry load(BootConfig config, UnpackedKernel kernel)
      throws KernelFormatException, BootException {
    long entry = entryAddress(kernel.elf());
    GuestMemory memory = config.memory();
    try {
      Initrd initrd = KernelPlacement.load(config, kernel);
      kernel
          .params()
          .loader(initrd)
          .memory(config.map())
          .acpi(config.writeFirmware())
          .write(memory, X86Layout.ZERO_PAGE);
      return LongModeTables.write(memory, entry, X86Layout.ZERO_PAGE);
    } catch (GuestFault e) {
      throw KernelPlacement.doesNotFit(kernel.elf().path(), e);
    }
  }

  private static long entryAddress(ElfKernel kernel) throws BootException {
    return kernel
        .entryAddress()
        .orElseThrow(
            () ->
                new BootException(
                    BootException.Kind.NO_64_BIT_ENTRY,
                    "kernel " + kernel.path() + " has no 64-bit entry, only PVH"));
  }
}
