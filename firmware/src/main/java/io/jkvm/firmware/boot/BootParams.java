// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.kernel.SetupHeader;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.layout.E820Map.Type;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The parameters that a loader hands to Linux: the zero page (struct boot_params, Linux's {@code
 * Documentation/x86/zero-page.rst}), or the header inside the real-mode code, which has the same
 * offsets.
 */
final class BootParams {
  /** "Undefined" loader: no number is assigned to this one. */
  private static final int TYPE_OF_LOADER = 0xFF;

  private static final int ZERO_PAGE_BYTES = 4096;
  private static final int MAX_E820_ENTRIES = 128;
  private static final int ACPI_RSDP_ADDRESS_OFFSET = 0x70;
  private static final int E820_COUNT_OFFSET = 0x1E8;
  private static final int E820_TABLE_OFFSET = 0x2D0;

  private static final int LOADED_HIGH = 0x01;
  private static final int KASLR_FLAG = 0x02;
  private static final int CAN_USE_HEAP = 0x80;

  private static final int HDRS = 0x53726448;

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
    ByteBuffer page = ByteBuffer.allocate(ZERO_PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    page.put(SetupHeader.START_OFFSET, header.toBytes());
    // The kernel's decompressor sets this flag; who skips it must not leave what the file says.
    page.put(0x211, (byte) (header.loadFlags() & ~KASLR_FLAG));
    return new BootParams(page);
  }

  /** A zero page for a kernel without a header. */
  static BootParams forElf() {
    ByteBuffer page = ByteBuffer.allocate(ZERO_PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    page.putShort(0x1FE, (short) 0xAA55);
    page.putInt(0x202, HDRS);
    page.putShort(0x206, (short) ELF_PROTOCOL);
    page.put(0x211, (byte) LOADED_HIGH);
    page.putInt(0x22C, (int) SetupHeader.DEFAULT_INITRD_ADDRESS_MAX);
    page.putInt(0x238, SetupHeader.DEFAULT_COMMAND_LINE_BYTES);
    return new BootParams(page);
  }

  /** What every way of booting tells: the loader, the command line and the initrd, below 4 GiB. */
  BootParams loader(Initrd initrd) {
    page.put(0x210, (byte) TYPE_OF_LOADER);
    page.putInt(0x228, (int) X86Layout.COMMAND_LINE);
    page.putInt(0x218, (int) initrd.address());
    page.putInt(0x21C, (int) initrd.size());
    return this;
  }

  /** What real-mode code needs on top: its heap, and a video mode to leave alone. */
  BootParams realMode(int heapEndPointer, int videoMode) {
    page.put(0x211, (byte) (page.get(0x211) & ~KASLR_FLAG | CAN_USE_HEAP));
    page.putShort(0x224, (short) heapEndPointer);
    page.putShort(0x1FA, (short) videoMode);
    page.putInt(0x214, (int) X86Layout.HIGH_MEMORY);
    return this;
  }

  /** The memory map, in place of what real-mode code would ask the BIOS. */
  BootParams memory(E820Map map) {
    List<Entry> entries = map.entries();
    if (entries.size() > MAX_E820_ENTRIES) {
      throw new IllegalArgumentException(entries.size() + " e820 entries");
    }
    page.put(E820_COUNT_OFFSET, (byte) entries.size());
    page.position(E820_TABLE_OFFSET);
    map.writeTo(page);
    for (Entry entry : entries) {
      if (entry.type() == Type.RAM && entry.address() == X86Layout.HIGH_MEMORY) {
        long extendedKib = entry.size() >>> 10;
        page.putInt(0x1E0, (int) extendedKib);
        page.putShort(0x02, (short) Math.min(extendedKib, 0xFFFF));
      }
    }
    return this;
  }

  /** Where the ACPI tables start (boot protocol 2.14); older kernels search for them. */
  BootParams acpi(long rsdpAddress) {
    page.putLong(ACPI_RSDP_ADDRESS_OFFSET, rsdpAddress);
    return this;
  }

  /** Writes all of it to guest RAM. */
  void write(GuestMemory memory, long address) throws GuestFault {
    memory.write(address, page.array(), 0, page.capacity());
  }
}
