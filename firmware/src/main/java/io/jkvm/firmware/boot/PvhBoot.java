// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.firmware.cpu.ProtectedModeEntry;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.layout.X86Layout;

/**
 * Boots an ELF kernel at the 32-bit entry that its Xen note names (PVH); of a bzImage, the kernel
 * unpacked on the host.
 */
final class PvhBoot {
  private PvhBoot() {}

  /**
   * Loads the kernel.
   *
   * @throws BootException if it has no PVH entry or does not fit
   */
  static ProtectedModeEntry load(BootConfig config, UnpackedKernel kernel)
      throws KernelFormatException, BootException {
    long entry = entryAddress(kernel.elf());
    try {
      Initrd initrd = KernelPlacement.load(config, kernel);
      PvhStartInfo.write(config.memory(), config.map(), initrd, config.writeFirmware());
      return new ProtectedModeEntry(entry, X86Layout.PVH_START_INFO);
    } catch (GuestFault e) {
      throw KernelPlacement.doesNotFit(kernel.elf().path(), e);
    }
  }

  /**
   * The guest-physical address of a kernel's PVH entry.
   *
   * @throws BootException if it has none
   */
  static long entryAddress(ElfKernel kernel) throws BootException {
    return kernel
        .pvhEntryAddress()
        .orElseThrow(
            () ->
                new BootException(
                    BootException.Kind.NO_PVH_ENTRY,
                    "kernel "
                        + kernel.path()
                        + " has no PVH entry (no ELF note XEN_ELFNOTE_PHYS32_ENTRY that points"
                        + " into it)"));
  }
}
