// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.MemoryMap;
import io.jkvm.firmware.tables.AcpiConfig;
import io.jkvm.firmware.tables.MpTable;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the ways to boot a machine have in common.
 *
 * @param memory fresh RAM, zero throughout
 * @param map the memory map, as {@link MemoryMap#of} makes it
 * @param commandLine the kernel's command line
 * @param initrds the initial RAM disk's files, which become one; empty for none
 * @param processors number of vCPUs, 1 to {@link MpTable#MAX_PROCESSORS}
 * @param levelIrqs ISA IRQs to be declared level-triggered in the MP table
 * @param pciDevices how many devices PCI bus 0 has, the host bridge included; 0 without PCI
 * @param acpi what the ACPI tables describe; empty for a machine without them
 */
public record BootConfig(
    GuestMemory memory,
    E820Map map,
    String commandLine,
    List<Path> initrds,
    int processors,
    Set<Integer> levelIrqs,
    int pciDevices,
    Optional<AcpiConfig> acpi) {
  /** Copies the list. */
  public BootConfig {
    initrds = List.copyOf(initrds);
  }
}
