// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.layout;

import io.jkvm.core.memory.GuestMemory;

/**
 * Every guest-physical address that this machine fixes, by rising address; then the ports that the
 * ACPI tables name.
 */
public final class X86Layout {
  /** Global descriptor table that the 64-bit entry starts with. */
  public static final long GDT = 0x500;

  /** What a PVH kernel is told, struct hvm_start_info. */
  public static final long PVH_START_INFO = 0x6000;

  /** Its list of modules, struct hvm_modlist_entry: the initrd at most. */
  public static final long PVH_MODULES = 0x6040;

  /** Its memory map, of struct hvm_memmap_table_entry. */
  public static final long PVH_MEMORY_MAP = 0x6080;

  /** End of the room for {@link #PVH_MEMORY_MAP}. */
  public static final long PVH_MEMORY_MAP_END = 0x7000;

  /** The zero page, struct boot_params of the Linux boot protocol. */
  public static final long ZERO_PAGE = 0x7000;

  /** Identity page tables of the 64-bit entry: PML4, PDPT, then a page directory for each GiB. */
  public static final long PAGE_TABLES = 0x9000;

  /** The kernel's real-mode setup code when the BIOS boots it; its segment and heap follow. */
  public static final long SETUP = 0x10000;

  /** {@link #SETUP} as a real-mode segment. */
  public static final int SETUP_SEGMENT = (int) (SETUP >>> 4);

  /** The kernel's command line. */
  public static final long COMMAND_LINE = 0x20000;

  /** End of the room for the command line, its NUL included. */
  public static final long COMMAND_LINE_END = 0x30000;

  /** Last KiB of base memory: the extended BIOS data area, with the MP table at its start. */
  public static final long EBDA = 0x9FC00;

  /** End of base memory and of the EBDA. */
  public static final long BASE_MEMORY_END = 0xA0000;

  /** The BIOS as the guest runs it, 64 KiB up to 1 MiB. */
  public static final long BIOS = 0xF0000;

  /** The SMBIOS entry point and structures: above the code of {@link #BIOS}. */
  public static final long SMBIOS = 0xF1000;

  /** The PCI interrupt routing table, likewise. */
  public static final long PCI_ROUTING = 0xF10E0;

  /** The ACPI tables, the RSDP first, likewise. */
  public static final long ACPI_TABLES = 0xF1100;

  /** End of the room for ACPI tables. */
  public static final long ACPI_TABLES_END = 0xFFFF0;

  /** F000:FFF0, where real-mode code jumps to restart a PC. */
  public static final long BIOS_RESTART = 0xFFFF0;

  /** Extended memory; a bzImage's protected-mode part is loaded here or above. */
  public static final long HIGH_MEMORY = 0x100000;

  /** End of the longest stretch of RAM below 4 GiB; devices are above it. */
  public static final long LOW_RAM_LIMIT = GuestMemory.LOW_RAM_LIMIT;

  /** Registers of the first virtio-mmio device. */
  public static final long VIRTIO_MMIO = 0xD0000000L;

  /** From one virtio-mmio device to the next. */
  public static final long VIRTIO_MMIO_STEP = 0x1000;

  /**
   * Memory for 32-bit base address registers of PCI devices, as the machine places them and ACPI
   * tells; a guest may use all from the end of RAM on.
   */
  public static final long PCI_MEMORY = 0xE0000000L;

  /** End of {@link #PCI_MEMORY}. */
  public static final long PCI_MEMORY_END = 0xFE000000L;

  /** I/O APIC registers. */
  public static final long IO_APIC = 0xFEC00000L;

  /** Local APIC registers. */
  public static final long LOCAL_APIC = 0xFEE00000L;

  /** A page for KVM_SET_IDENTITY_MAP_ADDR, which some hosts use to run real mode. */
  public static final long KVM_IDENTITY_MAP = 0xFFFBC000L;

  /** Three pages for KVM_SET_TSS_ADDR, likewise. */
  public static final long KVM_TSS = 0xFFFBD000L;

  /** The BIOS as ROM, with the reset vector 16 bytes before its end. */
  public static final long BIOS_ROM = 0xFFFF0000L;

  /** Where RAM that does not fit below {@link #LOW_RAM_LIMIT} goes on. */
  public static final long FOUR_GIB = GuestMemory.HIGH_RAM_START;

  /** The i8042's command port, which FADT names as the reset register (a port). */
  public static final int ACPI_RESET = 0x64;

  /** What to write to {@link #ACPI_RESET}: pulse the processor's reset line. */
  public static final int ACPI_RESET_VALUE = 0xFE;

  /** PM1a event registers, status and enable (a port). */
  public static final int ACPI_PM1_EVENT = 0x600;

  /** The number of {@link #ACPI_PM1_EVENT} ports. */
  public static final int ACPI_PM1_EVENT_PORTS = 4;

  /** PM1a control register (a port), right after the event registers. */
  public static final int ACPI_PM1_CONTROL = 0x604;

  /** The number of {@link #ACPI_PM1_CONTROL} ports. */
  public static final int ACPI_PM1_CONTROL_PORTS = 2;

  /**
   * Where the guest leaves the exit status that its user is to see (a port of jkvm's own);
   * /dev/port reaches it.
   */
  public static final int EXIT_STATUS = 0x608;

  /** Ports for base address registers of PCI devices; all below are for fixed devices. */
  public static final int PCI_PORTS = 0x1000;

  /** End of {@link #PCI_PORTS}. */
  public static final int PCI_PORTS_END = 0x10000;

  private X86Layout() {}

  /** The end of the RAM that begins at address 0. */
  public static long lowRamEnd(GuestMemory memory) {
    return memory.regions().get(0).end();
  }
}
