// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;

/**
 * What a PVH kernel is told (Xen's {@code public/arch-x86/hvm/start_info.h}), all of it written in
 * the order of the structures' members.
 *
 * <pre>{@code
 * struct hvm_start_info {           // version 1, 56 bytes
 *   uint32_t magic;                 // 0x336ec578
 *   uint32_t version;
 *   uint32_t flags;                 // SIF_xxx: neither privileged nor the initial domain
 *   uint32_t nr_modules;
 *   uint64_t modlist_paddr;
 *   uint64_t cmdline_paddr;
 *   uint64_t rsdp_paddr;
 *   uint64_t memmap_paddr;
 *   uint32_t memmap_entries;
 *   uint32_t reserved;
 * };
 * struct hvm_modlist_entry {        // 32 bytes
 *   uint64_t paddr;
 *   uint64_t size;
 *   uint64_t cmdline_paddr;
 *   uint64_t reserved;
 * };
 * struct hvm_memmap_table_entry {   // 24 bytes
 *   uint64_t addr;
 *   uint64_t size;
 *   uint32_t type;                  // as in E820
 *   uint32_t reserved;
 * };
 * }</pre>
 */
final class PvhStartInfo {
  private static final int MAGIC = 0x336EC578;
  private static final int VERSION = 1;
  private static final int BYTES = 56;
  private static final int MODULE_BYTES = 32;
  private static final int MAP_ENTRY_BYTES = 24;

  private PvhStartInfo() {}

  /**
   * Writes it to {@link X86Layout#PVH_START_INFO}.
   *
   * @param initrd becomes the only module, if there is one
   * @param rsdpAddress the ACPI tables' root pointer; 0 for none
   */
  static void write(GuestMemory memory, E820Map map, Initrd initrd, long rsdpAddress)
      throws GuestFault {
    int modules = initrd.size() == 0 ? 0 : 1;
    memory
        .slice(X86Layout.PVH_START_INFO, BYTES)
        .putInt(MAGIC)
        .putInt(VERSION)
        .putInt(0)
        .putInt(modules)
        .putLong(modules == 0 ? 0 : X86Layout.PVH_MODULES)
        .putLong(X86Layout.COMMAND_LINE)
        .putLong(rsdpAddress)
        .putLong(X86Layout.PVH_MEMORY_MAP)
        .putInt(map.entries().size())
        .putInt(0);
    memory
        .slice(X86Layout.PVH_MODULES, MODULE_BYTES)
        .putLong(initrd.address())
        .putLong(initrd.size());
    long length = (long) map.entries().size() * MAP_ENTRY_BYTES;
    if (length > X86Layout.PVH_MEMORY_MAP_END - X86Layout.PVH_MEMORY_MAP) {
      throw new IllegalArgumentException(map.entries().size() + " e820 entries");
    }
    ByteBuffer table = memory.slice(X86Layout.PVH_MEMORY_MAP, (int) length);
    for (Entry entry : map.entries()) {
      table.putLong(entry.address()).putLong(entry.size());
      table.putInt(entry.type().value()).putInt(0);
    }
  }
}
