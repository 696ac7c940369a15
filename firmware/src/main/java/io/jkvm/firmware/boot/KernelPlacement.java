// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.MemoryMap;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.file.Path;

/** Checks that a kernel fits into a machine's RAM beside what else is there. */
final class KernelPlacement {
  private KernelPlacement() {}

  /** Throws unless the range is RAM between 1 MiB and the end of RAM below 4 GiB. */
  static void check(GuestMemory memory, Path kernel, long start, long end) throws BootException {
    if (start < X86Layout.HIGH_MEMORY) {
      throw new BootException(
          String.format(
              "kernel %s is loaded at 0x%x, among the boot tables: link it at 1 MiB or above",
              kernel, start));
    }
    long lowEnd = MemoryMap.lowRamEnd(memory);
    if (end < start || end > lowEnd) {
      throw new BootException(
          "kernel "
              + kernel
              + " needs memory up to "
              + (end < start ? "beyond all bounds" : BootException.size(end))
              + ", but the machine has "
              + BootException.size(lowEnd)
              + (lowEnd < X86Layout.LOW_RAM_LIMIT
                  ? ": give more --mem"
                  : " below the device window: link it lower"));
    }
  }

  /** For a range that was checked before and turns out to be no RAM. */
  static BootException doesNotFit(Path kernel, GuestFault fault) {
    return new BootException(
        "kernel " + kernel + " does not fit (" + fault.getMessage() + "): give more --mem", fault);
  }
}
