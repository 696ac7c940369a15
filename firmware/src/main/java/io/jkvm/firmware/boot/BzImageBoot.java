// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.cpu.LongModeEntry;
import io.jkvm.firmware.cpu.LongModeTables;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.kernel.SetupHeader;
import io.jkvm.firmware.layout.X86Layout;

/** Boots a bzImage at its 64-bit entry; the kernel unpacks itself (Linux boot protocol). */
final class BzImageBoot {
  /** The 64-bit entry, from the start of the protected-mode part. */
  private static final long ENTRY_OFFSET = 0x200;

  /** Kernels before protocol 2.10 don't say what they need; they were a few MiB when unpacked. */
  private static final long INIT_BYTES_GUESS = 64 << 20;

  private BzImageBoot() {}

  /**
   * Loads an image that {@link SetupHeader#has64BitEntry has a 64-bit entry}.
   *
   * @throws BootException if it does not fit
   */
  static LongModeEntry load(BootConfig config, BzImage image)
      throws KernelFormatException, BootException {
    SetupHeader header = image.header();
    GuestMemory memory = config.memory();
    long address = loadAddress(header);
    long end = runEnd(header, address);
    KernelPlacement.check(memory, image.path(), address, end);
    try {
      image.loadProtectedMode(memory, address);
      Initrd initrd = Initrd.load(memory, config.initrds(), end, header.initrdAddressMax());
      CommandLine.write(memory, config.commandLine(), header.commandLineBytes());
      BootParams.of(header)
          .loader(initrd)
          .memory(config.map())
          .acpi(config.writeFirmware())
          .write(memory, X86Layout.ZERO_PAGE);
      return LongModeTables.write(memory, address + ENTRY_OFFSET, X86Layout.ZERO_PAGE);
    } catch (GuestFault e) {
      throw KernelPlacement.doesNotFit(image.path(), e);
    }
  }

  /** A relocatable kernel is loaded where it will run, any other at 1 MiB. */
  static long loadAddress(SetupHeader header) {
    return header.relocatable()
        ? Math.max(aligned(header.preferredAddress(), header), X86Layout.HIGH_MEMORY)
        : X86Layout.HIGH_MEMORY;
  }

  /**
   * The end of the memory that the kernel uses before it knows the memory map, when loaded at an
   * address; negative if that is beyond all bounds.
   */
  static long runEnd(SetupHeader header, long address) {
    long preferred = header.preferredAddress();
    long start = header.relocatable() ? Math.max(aligned(address, header), preferred) : preferred;
    if (start < 0 || start > X86Layout.FOUR_GIB) {
      return -1;
    }
    long initBytes = header.initBytes() == 0 ? INIT_BYTES_GUESS : header.initBytes();
    return Math.max(start + initBytes, address + header.protectedModeBytes());
  }

  private static long aligned(long address, SetupHeader header) {
    return address + header.kernelAlignment() - 1 & -header.kernelAlignment();
  }
}
