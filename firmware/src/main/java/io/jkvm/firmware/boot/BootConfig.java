// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.bios.RestartStub;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.tables.AcpiConfig;
import io.jkvm.firmware.tables.AcpiTables;
import io.jkvm.firmware.tables.MpTable;
import io.jkvm.firmware.tables.PciRoutingTable;
import io.jkvm.firmware.tables.Smbios;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What the ways to boot a machine have in common.
 *
 * @param memory fresh RAM, zero throughout
 * @param map the memory map, as {@link E820Map#of(GuestMemory)} makes it
 * @param commandLine the kernel's command line
 * @param initrds the initial RAM disk's files, which become one; empty for none
 * @param processors number of vCPUs, at least 1
 * @param pciDevices how many devices PCI bus 0 has, the host bridge included; 0 without PCI
 * @param acpi what the ACPI tables describe; empty for a machine without them
 */
public record BootConfig(
    GuestMemory memory,
    E820Map map,
    String commandLine,
    List<Path> initrds,
    int processors,
    int pciDevices,
    Optional<AcpiConfig> acpi) {
  /** Copies the list. */
  public BootConfig {
    initrds = List.copyOf(initrds);
  }

  /**
   * Writes what a PC's firmware leaves behind: the tables that describe the hardware, and the code
   * that restarts the machine.
   *
   * @return the address of the ACPI tables' root pointer; 0 without them
   */
  long writeFirmware() throws GuestFault {
    RestartStub.write(memory);
    MpTable.write(memory, processors, pciDevices);
    Smbios.write(memory);
    PciRoutingTable.write(memory);
    return acpi.isPresent() ? AcpiTables.write(memory, acpi.get()) : 0;
  }
}
