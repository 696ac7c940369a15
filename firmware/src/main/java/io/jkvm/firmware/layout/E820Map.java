// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.layout;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.memory.GuestRegion;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * The guest's physical memory map as firmware reports it: ACPI specification 6.5, section 15.1,
 * "INT 15H, E820H - Query System Address Map". Entries are sorted by address and do not overlap; an
 * address that no entry covers is unused address space.
 *
 * <p>Immutable.
 */
public final class E820Map {

  /** Bytes of one entry in the form that {@link #writeTo} uses. */
  public static final int ENTRY_BYTES = 20;

  private final List<Entry> entries;

  private E820Map(List<Entry> entries) {
    this.entries = entries;
  }

  /** What a range of addresses may be used for, with the number that the specification gives. */
  public enum Type {
    /** Memory for the operating system's free use. */
    RAM(1),
    /** In use by the system, not to be touched. */
    RESERVED(2),
    /** ACPI tables: free once they were read. */
    ACPI(3);

    private final int value;

    Type(int value) {
      this.value = value;
    }

    /** Returns the specification's number. */
    public int value() {
      return value;
    }
  }

  /**
   * A range of guest-physical addresses with one use.
   *
   * @param address first byte, at least 0
   * @param size bytes, more than 0; {@code address + size} is at most {@link Long#MAX_VALUE}
   * @param type what the range is
   */
  public record Entry(long address, long size, Type type) {
    /** Checks the range. */
    public Entry {
      Objects.requireNonNull(type, "type");
      if (address < 0 || size <= 0 || address > Long.MAX_VALUE - size) {
        throw new IllegalArgumentException(
            String.format("e820 range out of bounds: address 0x%x, size 0x%x", address, size));
      }
    }

    /** Returns the first address after the range. */
    public long end() {
      return address + size;
    }
  }

  /**
   * The map of a machine: its RAM without the EBDA, the hole of the video memory and the BIOS.
   *
   * @param memory more than 1 MiB from address 0
   */
  public static E820Map of(GuestMemory memory) {
    long lowEnd = X86Layout.lowRamEnd(memory);
    if (lowEnd <= X86Layout.HIGH_MEMORY) {
      throw new IllegalArgumentException("RAM of " + lowEnd + " bytes");
    }
    List<Entry> entries = new ArrayList<>();
    entries.add(range(0, X86Layout.EBDA, Type.RAM));
    entries.add(range(X86Layout.EBDA, X86Layout.BASE_MEMORY_END, Type.RESERVED));
    entries.add(range(X86Layout.BIOS, X86Layout.HIGH_MEMORY, Type.RESERVED));
    entries.add(range(X86Layout.HIGH_MEMORY, lowEnd, Type.RAM));
    // Keeps the guest from putting a device's registers over KVM's own pages and the ROM.
    entries.add(range(X86Layout.KVM_IDENTITY_MAP, X86Layout.FOUR_GIB, Type.RESERVED));
    for (GuestRegion region : memory.regions()) {
      if (region.guestPhysicalAddress() != 0) {
        entries.add(range(region.guestPhysicalAddress(), region.end(), Type.RAM));
      }
    }
    return of(entries);
  }

  private static Entry range(long start, long end, Type type) {
    return new Entry(start, end - start, type);
  }

  /**
   * Makes a map of entries given in any order.
   *
   * @throws IllegalArgumentException if two entries overlap
   */
  public static E820Map of(List<Entry> entries) {
    List<Entry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparingLong(Entry::address));
    for (int i = 1; i < sorted.size(); i++) {
      Entry before = sorted.get(i - 1);
      Entry entry = sorted.get(i);
      if (entry.address() < before.end()) {
        throw new IllegalArgumentException("e820 ranges overlap: " + before + " and " + entry);
      }
    }
    return new E820Map(List.copyOf(sorted));
  }

  /** Returns the entries by ascending address; the list can't be changed. */
  public List<Entry> entries() {
    return entries;
  }

  /**
   * Writes every entry at the buffer's position as 20 bytes: 64-bit address, 64-bit size, 32-bit
   * type, little endian. This is the layout of {@code e820_table} in Linux's zero page (Linux boot
   * protocol, "The real-mode kernel header") and of the BIOS call. The buffer's own byte order is
   * left as it was.
   *
   * @throws java.nio.BufferOverflowException if fewer than {@link #ENTRY_BYTES} bytes per entry
   *     remain
   */
  public void writeTo(ByteBuffer target) {
    ByteOrder order = target.order();
    target.order(ByteOrder.LITTLE_ENDIAN);
    try {
      for (Entry entry : entries) {
        target.putLong(entry.address()).putLong(entry.size()).putInt(entry.type().value());
      }
    } finally {
      target.order(order);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof E820Map map && entries.equals(map.entries);
  }

  @Override
  public int hashCode() {
    return entries.hashCode();
  }

  @Override
  public String toString() {
    return "E820Map" + entries;
  }
}
