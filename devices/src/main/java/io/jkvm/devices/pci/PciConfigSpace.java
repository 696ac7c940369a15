// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The 256 bytes of a type-0 header and its capabilities (PCI Local Bus 3.0, sections 6.1 to 6.7):
 * what the guest may write is a mask, bit by bit. Has no lock of its own.
 */
public final class PciConfigSpace {
  public static final int SIZE_BYTES = 256;
  public static final int BAR_COUNT = 6;

  /** Offset of the Command register. */
  public static final int COMMAND = 0x04;

  /** Offset of the Status register. */
  public static final int STATUS = 0x06;

  /** Bit of the Status register: the function asks for INTx (section 6.2.3). */
  public static final int STATUS_INTERRUPT = 1 << 3;

  /** Offset of the first base address register. */
  public static final int BAR0 = 0x10;

  private static final int CAPABILITIES_POINTER = 0x34;
  private static final int INTERRUPT_LINE = 0x3c;
  private static final int INTERRUPT_PIN = 0x3d;
  private static final int FIRST_CAPABILITY = 0x40;

  private static final int COMMAND_MEMORY = 1 << 1;
  private static final int COMMAND_BUS_MASTER = 1 << 2;
  private static final int COMMAND_PARITY = 1 << 6;
  private static final int COMMAND_SERR = 1 << 8;
  private static final int COMMAND_INTX_DISABLE = 1 << 10;
  private static final int COMMAND_WRITABLE =
      COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_PARITY | COMMAND_SERR | COMMAND_INTX_DISABLE;
  private static final int STATUS_CAPABILITIES = 1 << 4;

  /** The smallest range that is worth a page of its own in the guest. */
  private static final int MIN_BAR_BYTES = 0x1000;

  private final ByteBuffer bytes = allocate();
  private final ByteBuffer writable = allocate();
  private final int[] barBytes = new int[BAR_COUNT];
  private int lastPointer = CAPABILITIES_POINTER;
  private int nextCapability = FIRST_CAPABILITY;

  /** A header without base addresses, interrupt and capabilities. */
  public PciConfigSpace(PciIdentity identity) {
    bytes.putShort(0x00, (short) identity.vendorId());
    bytes.putShort(0x02, (short) identity.deviceId());
    bytes.putInt(0x08, identity.classCode() << 8 | identity.revision() & 0xff);
    bytes.putShort(0x2c, (short) identity.subsystemVendorId());
    bytes.putShort(0x2e, (short) identity.subsystemId());
    writable.putShort(COMMAND, (short) COMMAND_WRITABLE);
    writable.put(0x0c, (byte) 0xff); // cache line size
    writable.put(0x0d, (byte) 0xff); // latency timer
  }

  private static ByteBuffer allocate() {
    return ByteBuffer.allocate(SIZE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The guest's view of up to 4 bytes; the access must end within the 256 bytes. */
  public long read(int offset, int size) {
    long value = 0;
    for (int i = 0; i < size; i++) {
      value |= (bytes.get(offset + i) & 0xffL) << (8 * i);
    }
    return value;
  }

  /** The guest writes: bits that are not writable keep their value. */
  public void write(int offset, int size, long value) {
    for (int i = 0; i < size; i++) {
      int mask = writable.get(offset + i);
      int old = bytes.get(offset + i);
      bytes.put(offset + i, (byte) (old & ~mask | (int) (value >>> (8 * i)) & mask));
    }
  }

  /**
   * Adds a 32-bit memory range that is not prefetchable (section 6.2.5.1).
   *
   * @param bar 0 to 5
   * @param sizeBytes a power of two from 4 KiB on
   */
  public void addMemoryBar(int bar, int sizeBytes) {
    if (Integer.bitCount(sizeBytes) != 1 || sizeBytes < MIN_BAR_BYTES || barBytes[bar] != 0) {
      throw new IllegalArgumentException("base address register " + bar + ": " + sizeBytes);
    }
    barBytes[bar] = sizeBytes;
    writable.putInt(BAR0 + 4 * bar, -sizeBytes);
  }

  /** How many bytes a base address register decodes; 0 for one that does not exist. */
  public int barBytes(int bar) {
    return barBytes[bar];
  }

  /** Where the guest wants the range, whether or not it is decoded there. */
  public long barAddress(int bar) {
    return Integer.toUnsignedLong(bytes.getInt(BAR0 + 4 * bar)) & -barBytes[bar];
  }

  /** Sets a base address as a PC's firmware does. */
  public void placeBar(int bar, long address) {
    bytes.putInt(BAR0 + 4 * bar, (int) address);
  }

  /** Whether the function answers at its base addresses at all. */
  public boolean memoryEnabled() {
    return (bytes.getShort(COMMAND) & COMMAND_MEMORY) != 0;
  }

  /**
   * Whether the function may access memory, which is also how it sends messages (section 6.2.2).
   */
  public boolean busMasterEnabled() {
    return (bytes.getShort(COMMAND) & COMMAND_BUS_MASTER) != 0;
  }

  /** Whether the driver keeps the function from asserting INTx. */
  public boolean intxDisabled() {
    return (bytes.getShort(COMMAND) & COMMAND_INTX_DISABLE) != 0;
  }

  /**
   * Gives the function an interrupt pin.
   *
   * @param pin 1 for INTA# to 4 for INTD#
   * @param line what the Interrupt Line register says until the guest writes it
   */
  public void interrupt(int pin, int line) {
    bytes.put(INTERRUPT_PIN, (byte) pin);
    bytes.put(INTERRUPT_LINE, (byte) line);
    writable.put(INTERRUPT_LINE, (byte) 0xff);
  }

  /**
   * Appends a capability (section 6.7).
   *
   * @param id the capability's number
   * @param content what follows the number and the link
   * @param mask which bits of {@code content} the guest may write; as long as that
   * @return the capability's offset
   */
  public int addCapability(int id, byte[] content, byte[] mask) {
    int offset = nextCapability;
    if (content.length != mask.length || offset + 2 + content.length > SIZE_BYTES) {
      throw new IllegalArgumentException("capability " + id + " of " + content.length + " bytes");
    }
    bytes.put(lastPointer, (byte) offset);
    bytes.put(offset, (byte) id);
    bytes.put(offset + 2, content);
    writable.put(offset + 2, mask);
    bytes.putShort(STATUS, (short) (bytes.getShort(STATUS) | STATUS_CAPABILITIES));
    lastPointer = offset + 1;
    nextCapability = offset + 2 + content.length + 3 & ~3;
    return offset;
  }

  public int get8(int offset) {
    return bytes.get(offset) & 0xff;
  }

  public int get16(int offset) {
    return bytes.getShort(offset) & 0xffff;
  }

  public int get32(int offset) {
    return bytes.getInt(offset);
  }

  /** Sets 4 bytes whatever the mask says. */
  public void set32(int offset, int value) {
    bytes.putInt(offset, value);
  }
}
