// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.kernel.BootProtocol;
import io.jkvm.firmware.kernel.SetupHeader;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.layout.E820Map.Type;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The parameters that a loader hands to Linux: the zero page, or the header inside the real-mode
 * code, which has the same offsets ({@link BootProtocol}).
 */
final class BootParams {
  /** "Undefined" loader: no number is assigned to this one. */
  private static final int TYPE_OF_LOADER = 0xFF;

  /** What is told of a kernel that came as a bare ELF: boot protocol 2.15 with nothing optional. */
  private static final int ELF_PROTOCOL = 0x020F;

  private final ByteBuffer page;

  private BootParams(ByteBuffer page) {
    this.page = page;
  }

  /** Parameters inside real-mode setup code, for the BIOS to run. */
  static BootParams inSetup(byte[] setup) {
    return new BootParams(ByteBuffer.wrap(setup).order(ByteOrder.LITTLE_ENDIAN));
  }

  /** A zero page with the kernel's own header. */
  static BootParams of(SetupHeader header) {
    ByteBuffer page =
        ByteBuffer.allocate(BootProtocol.BOOT_PARAMS_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    page.put(SetupHeader.START_OFFSET, header.toBytes());
    // The kernel's decompressor sets this flag; who skips it must not leave what the file says.
    page.put(BootProtocol.LOADFLAGS, (byte) (header.loadFlags() & ~BootProtocol.KASLR_FLAG));
    return new BootParams(page);
  }

  /** A zero page for a kernel without a header. */
  static BootParams forElf() {
    ByteBuffer page =
        ByteBuffer.allocate(BootProtocol.BOOT_PARAMS_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    page.putShort(BootProtocol.BOOT_FLAG, (short) BootProtocol.BOOT_FLAG_MAGIC);
    page.putInt(BootProtocol.HEADER, BootProtocol.HEADER_MAGIC);
    page.putShort(BootProtocol.VERSION, (short) ELF_PROTOCOL);
    page.put(BootProtocol.LOADFLAGS, (byte) BootProtocol.LOADED_HIGH);
    page.putInt(BootProtocol.INITRD_ADDR_MAX, (int) SetupHeader.DEFAULT_INITRD_ADDRESS_MAX);
    page.putInt(BootProtocol.CMDLINE_SIZE, SetupHeader.DEFAULT_COMMAND_LINE_BYTES);
    return new BootParams(page);
  }

  /** What every way of booting tells: the loader, the command line and the initrd, below 4 GiB. */
  BootParams loader(Initrd initrd) {
    page.put(BootProtocol.TYPE_OF_LOADER, (byte) TYPE_OF_LOADER);
    page.putInt(BootProtocol.CMD_LINE_PTR, (int) X86Layout.COMMAND_LINE);
    page.putInt(BootProtocol.RAMDISK_IMAGE, (int) initrd.address());
    page.putInt(BootProtocol.RAMDISK_SIZE, (int) initrd.size());
    return this;
  }

  /** What real-mode code needs on top: its heap, and a video mode to leave alone. */
  BootParams realMode(int heapEndPointer, int videoMode) {
    int flags = page.get(BootProtocol.LOADFLAGS) & ~BootProtocol.KASLR_FLAG;
    page.put(BootProtocol.LOADFLAGS, (byte) (flags | BootProtocol.CAN_USE_HEAP));
    page.putShort(BootProtocol.HEAP_END_PTR, (short) heapEndPointer);
    page.putShort(BootProtocol.VID_MODE, (short) videoMode);
    page.putInt(BootProtocol.CODE32_START, (int) X86Layout.HIGH_MEMORY);
    return this;
  }

  /** The memory map, in place of what real-mode code would ask the BIOS. */
  BootParams memory(E820Map map) {
    List<Entry> entries = map.entries();
    if (entries.size() > BootProtocol.MAX_E820_ENTRIES) {
      throw new IllegalArgumentException(entries.size() + " e820 entries");
    }
    page.put(BootProtocol.E820_ENTRIES, (byte) entries.size());
    page.position(BootProtocol.E820_TABLE);
    map.writeTo(page);
    for (Entry entry : entries) {
      if (entry.type() == Type.RAM && entry.address() == X86Layout.HIGH_MEMORY) {
        long extendedKib = entry.size() >>> 10;
        page.putInt(BootProtocol.ALT_MEM_K, (int) extendedKib);
        page.putShort(BootProtocol.EXT_MEM_K, (short) Math.min(extendedKib, 0xFFFF));
      }
    }
    return this;
  }

  /** Where the ACPI tables start, 0 for none (protocol 2.14); older kernels search for them. */
  BootParams acpi(long rsdpAddress) {
    page.putLong(BootProtocol.ACPI_RSDP_ADDR, rsdpAddress);
    return this;
  }

  /** Writes all of it to guest RAM. */
  void write(GuestMemory memory, long address) throws GuestFault {
    memory.write(address, page.array(), 0, page.capacity());
  }
}
