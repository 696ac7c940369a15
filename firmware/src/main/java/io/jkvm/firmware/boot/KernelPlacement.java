// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.boot.BootException.Kind;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.file.Path;

/** Puts a kernel into a machine's RAM, and checks that it fits beside what else is there. */
final class KernelPlacement {
  private KernelPlacement() {}

  /** Loads an unpacked kernel with its initrd and command line, and returns where the initrd is. */
  static Initrd load(BootConfig config, UnpackedKernel kernel)
      throws KernelFormatException, BootException, GuestFault {
    GuestMemory memory = config.memory();
    ElfKernel elf = kernel.elf();
    check(memory, elf.path(), elf.startAddress(), elf.endAddress());
    elf.load(memory);
    Initrd initrd =
        Initrd.load(memory, config.initrds(), elf.endAddress(), kernel.initrdAddressMax());
    CommandLine.write(memory, config.commandLine(), kernel.commandLineBytes());
    return initrd;
  }

  /** Throws unless the range is RAM between 1 MiB and the end of RAM below 4 GiB. */
  static void check(GuestMemory memory, Path kernel, long start, long end) throws BootException {
    if (start < X86Layout.HIGH_MEMORY) {
      throw new BootException(
          Kind.KERNEL_TOO_LOW,
          String.format("kernel %s is loaded at 0x%x, among the boot tables", kernel, start));
    }
    long lowEnd = X86Layout.lowRamEnd(memory);
    if (end >= start && end <= lowEnd) {
      return;
    }
    boolean more = lowEnd < X86Layout.LOW_RAM_LIMIT;
    throw new BootException(
        more ? Kind.MEMORY_TOO_SMALL : Kind.KERNEL_TOO_HIGH,
        "kernel "
            + kernel
            + " needs memory up to "
            + (end < start ? "beyond all bounds" : BootException.size(end))
            + ", but the machine has "
            + BootException.size(lowEnd)
            + (more ? "" : " below the device window"));
  }

  /** For a range that was checked before and turns out to be no RAM. */
  static BootException doesNotFit(Path kernel, GuestFault fault) {
    return new BootException(
        Kind.MEMORY_TOO_SMALL,
        "kernel " + kernel + " does not fit (" + fault.getMessage() + ")",
        fault);
  }
}
