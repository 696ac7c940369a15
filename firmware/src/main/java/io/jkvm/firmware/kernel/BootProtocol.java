// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

/**
 * The part of Linux's x86 boot protocol ({@code Documentation/arch/x86/boot.rst}, {@code
 * asm/bootparam.h}) that this machine uses. A bzImage begins with its {@code setup_header} at the
 * offset that it has in {@code boot_params}, the zero page, so one set of offsets serves both.
 *
 * <pre>{@code
 * struct boot_params {
 *   struct screen_info screen_info;         // 0x000, ext_mem_k at 0x002
 *   __u64 acpi_rsdp_addr;                   // 0x070, protocol 2.14
 *   __u32 alt_mem_k;                        // 0x1e0
 *   __u8  e820_entries;                     // 0x1e8
 *   struct setup_header {
 *     __u8  setup_sects;                    // 0x1f1
 *     __u32 syssize;                        // 0x1f4, in paragraphs of 16 bytes
 *     __u16 vid_mode;                       // 0x1fa
 *     __u16 boot_flag;                      // 0x1fe, 0xAA55
 *     __u16 jump;                           // 0x200, its displacement tells the header's end
 *     __u32 header;                         // 0x202, "HdrS"
 *     __u16 version;                        // 0x206
 *     __u16 kernel_version;                 // 0x20e, offset of a string less 0x200; may be 0
 *     __u8  type_of_loader;                 // 0x210
 *     __u8  loadflags;                      // 0x211
 *     __u32 code32_start;                   // 0x214
 *     __u32 ramdisk_image;                  // 0x218
 *     __u32 ramdisk_size;                   // 0x21c
 *     __u16 heap_end_ptr;                   // 0x224
 *     __u32 cmd_line_ptr;                   // 0x228
 *     __u32 initrd_addr_max;                // 0x22c
 *     __u32 kernel_alignment;               // 0x230
 *     __u8  relocatable_kernel;             // 0x234
 *     __u16 xloadflags;                     // 0x236, protocol 2.12
 *     __u32 cmdline_size;                   // 0x238
 *     __u32 payload_offset;                 // 0x248, protocol 2.08
 *     __u32 payload_length;                 // 0x24c
 *     __u64 pref_address;                   // 0x258, protocol 2.10
 *     __u32 init_size;                      // 0x260
 *   } hdr;
 *   struct boot_e820_entry e820_table[128]; // 0x2d0
 * };
 * }</pre>
 */
public final class BootProtocol {
  public static final int EXT_MEM_K = 0x002;
  public static final int ACPI_RSDP_ADDR = 0x070;
  public static final int ALT_MEM_K = 0x1E0;
  public static final int E820_ENTRIES = 0x1E8;
  public static final int SETUP_SECTS = 0x1F1;
  public static final int SYSSIZE = 0x1F4;
  public static final int VID_MODE = 0x1FA;
  public static final int BOOT_FLAG = 0x1FE;
  public static final int JUMP = 0x200;
  public static final int HEADER = 0x202;
  public static final int VERSION = 0x206;
  public static final int KERNEL_VERSION = 0x20E;
  public static final int TYPE_OF_LOADER = 0x210;
  public static final int LOADFLAGS = 0x211;
  public static final int CODE32_START = 0x214;
  public static final int RAMDISK_IMAGE = 0x218;
  public static final int RAMDISK_SIZE = 0x21C;
  public static final int HEAP_END_PTR = 0x224;
  public static final int CMD_LINE_PTR = 0x228;
  public static final int INITRD_ADDR_MAX = 0x22C;
  public static final int KERNEL_ALIGNMENT = 0x230;
  public static final int RELOCATABLE_KERNEL = 0x234;
  public static final int XLOADFLAGS = 0x236;
  public static final int CMDLINE_SIZE = 0x238;
  public static final int PAYLOAD_OFFSET = 0x248;
  public static final int PAYLOAD_LENGTH = 0x24C;
  public static final int PREF_ADDRESS = 0x258;
  public static final int INIT_SIZE = 0x260;
  public static final int E820_TABLE = 0x2D0;

  /** The number of entries that {@link #E820_TABLE} has room for. */
  public static final int MAX_E820_ENTRIES = 128;

  /** The length of {@code struct boot_params}. */
  public static final int BOOT_PARAMS_BYTES = 4096;

  /** What {@link #BOOT_FLAG} holds. */
  public static final int BOOT_FLAG_MAGIC = 0xAA55;

  /** What {@link #HEADER} holds: "HdrS". */
  public static final int HEADER_MAGIC = 0x53726448;

  /** In {@link #LOADFLAGS}: the protected-mode part is loaded at 1 MiB, not below. */
  public static final int LOADED_HIGH = 0x01;

  /** In {@link #LOADFLAGS}: the decompressor has moved the kernel. */
  public static final int KASLR_FLAG = 0x02;

  /** In {@link #LOADFLAGS}: {@link #HEAP_END_PTR} is valid. */
  public static final int CAN_USE_HEAP = 0x80;

  /**
   * In {@link #XLOADFLAGS}: there is a 64-bit entry 0x200 after the protected-mode part's start.
   */
  public static final int XLF_KERNEL_64 = 0x01;

  private BootProtocol() {}
}
