// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.cpu.ProtectedModeEntry;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.kernel.SetupHeader;
import io.jkvm.firmware.layout.X86Layout;
import io.jkvm.firmware.tables.AcpiTables;
import io.jkvm.firmware.tables.MpTable;

/**
 * Boots an ELF kernel at the 32-bit entry that its Xen note names (PVH); of a bzImage, the kernel
 * unpacked on the host.
 */
public final class PvhBoot {
  private PvhBoot() {}

  /**
   * Loads a vmlinux.
   *
   * @throws BootException if it has no PVH entry or does not fit
   */
  public static ProtectedModeEntry load(BootConfig config, ElfKernel kernel)
      throws KernelFormatException, BootException {
    return load(
        config,
        kernel,
        SetupHeader.DEFAULT_INITRD_ADDRESS_MAX,
        SetupHeader.DEFAULT_COMMAND_LINE_BYTES);
  }

  /**
   * Loads the kernel proper of a bzImage.
   *
   * @param unpacked what {@link BzImage#unpack} returned, perhaps on another thread
   * @throws BootException if it has no PVH entry or does not fit
   */
  public static ProtectedModeEntry load(BootConfig config, BzImage image, ElfKernel unpacked)
      throws KernelFormatException, BootException {
    SetupHeader header = image.header();
    return load(config, unpacked, header.initrdAddressMax(), header.commandLineBytes());
  }

  /**
   * The guest-physical address of a kernel's PVH entry.
   *
   * @throws BootException if it has none
   */
  public static long entryAddress(ElfKernel kernel) throws BootException {
    return kernel
        .pvhEntryAddress()
        .orElseThrow(
            () ->
                new BootException(
                    "kernel "
                        + kernel.path()
                        + " has no PVH entry (no ELF note XEN_ELFNOTE_PHYS32_ENTRY that points"
                        + " into it): use --boot=direct, or build it with CONFIG_PVH=y"));
  }

  private static ProtectedModeEntry load(
      BootConfig config, ElfKernel kernel, long initrdAddressMax, long commandLineBytes)
      throws KernelFormatException, BootException {
    long entry = entryAddress(kernel);
    GuestMemory memory = config.memory();
    KernelPlacement.check(memory, kernel.path(), kernel.startAddress(), kernel.endAddress());
    try {
      kernel.load(memory);
      Initrd initrd = Initrd.load(memory, config.initrds(), kernel.endAddress(), initrdAddressMax);
      CommandLine.write(memory, config.commandLine(), commandLineBytes);
      long rsdp = config.acpi().isPresent() ? AcpiTables.write(memory, config.acpi().get()) : 0;
      PvhStartInfo.write(memory, config.map(), initrd, rsdp);
      MpTable.write(config);
      return new ProtectedModeEntry(entry, X86Layout.PVH_START_INFO);
    } catch (GuestFault e) {
      throw KernelPlacement.doesNotFit(kernel.path(), e);
    }
  }
}
