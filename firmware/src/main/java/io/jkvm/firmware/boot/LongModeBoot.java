// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.cpu.LongModeEntry;
import io.jkvm.firmware.cpu.LongModeTables;
import io.jkvm.firmware.layout.X86Layout;
import io.jkvm.firmware.tables.AcpiTables;
import io.jkvm.firmware.tables.MpTable;

/** Writes what every 64-bit entry needs around a loaded kernel. */
final class LongModeBoot {
  private LongModeBoot() {}

  static LongModeEntry finish(
      BootConfig config, BootParams params, Initrd initrd, long commandLineBytes, long rip)
      throws BootException, GuestFault {
    GuestMemory memory = config.memory();
    CommandLine.write(memory, config.commandLine(), commandLineBytes);
    if (config.acpi().isPresent()) {
      params.acpi(AcpiTables.write(memory, config.acpi().get()));
    }
    params.loader(initrd).memory(config.map()).write(memory, X86Layout.ZERO_PAGE);
    MpTable.write(config);
    return LongModeTables.write(memory, rip);
  }
}
