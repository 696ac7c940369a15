// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestMemory;
import java.nio.file.Path;
import java.util.Set;

/**
 * What the ways to boot a machine have in common.
 *
 * @param memory fresh RAM, zero throughout
 * @param map the memory map, as {@link MemoryMap#of} makes it
 * @param commandLine the kernel's command line
 * @param initrd the initial RAM disk's file, or null for none
 * @param processors number of vCPUs, 1 to {@link MpTable#MAX_PROCESSORS}
 * @param levelIrqs ISA IRQs to be declared level-triggered
 */
public record BootConfig(
    GuestMemory memory,
    E820Map map,
    String commandLine,
    Path initrd,
    int processors,
    Set<Integer> levelIrqs) {}
