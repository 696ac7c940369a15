// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.core.bus.AddressRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Encodes resource descriptors (ACPI 6.4, section 6.4) and the template that holds them. Address
 * ranges of bridges ("windows") are produced, positively decoded and fixed at both ends.
 */
final class Resources {
  private static final int IRQ_NO_FLAGS = 0x22;
  private static final int IO_PORT = 0x47;
  private static final int END_TAG = 0x79;
  private static final int MEMORY_32_FIXED = 0x86;
  private static final int DWORD_ADDRESS_SPACE = 0x87;
  private static final int WORD_ADDRESS_SPACE = 0x88;
  private static final int EXTENDED_INTERRUPT = 0x89;

  private static final int MEMORY_RANGE = 0;
  private static final int IO_RANGE = 1;
  private static final int BUS_NUMBER_RANGE = 2;

  private static final int DECODES_16_BITS = 1;
  private static final int READ_WRITE = 1;
  private static final int ENTIRE_RANGE = 3;

  /** General flags of a window: producer, positive decode, minimum and maximum fixed. */
  private static final int WINDOW = 0x0C;

  private static final int INTERRUPT_CONSUMER = 1;
  private static final int INTERRUPT_EDGE = 1 << 1;
  private static final int INTERRUPT_SHARED = 1 << 3;

  private Resources() {}

  /** The buffer that ASL's ResourceTemplate makes: the descriptors and an end tag. */
  static byte[] template(List<byte[]> descriptors) {
    // A checksum of 0 in the end tag stands for "correct" (6.4.2.9).
    return Aml.buffer(Bytes.join(Bytes.join(descriptors), new byte[] {END_TAG, 0}));
  }

  /** The template of these descriptors. */
  static byte[] template(byte[]... descriptors) {
    return template(List.of(descriptors));
  }

  /** IRQ descriptor of 3 bytes (6.4.2.1): one ISA interrupt, 0 to 15, edge-triggered. */
  static byte[] irqNoFlags(int irq) {
    check(irq, 0, 15);
    return new byte[] {IRQ_NO_FLAGS, (byte) (1 << irq), (byte) (1 << irq >>> 8)};
  }

  /** I/O port descriptor (6.4.2.5): a fixed range of 1 to 255 ports. */
  static byte[] io(int port, int count) {
    check(port, 0, 0xFFFF);
    check(count, 1, 0xFF);
    ByteBuffer out = allocate(8);
    out.put((byte) IO_PORT).put((byte) DECODES_16_BITS);
    out.putShort((short) port).putShort((short) port);
    return out.put((byte) 1).put((byte) count).array();
  }

  /** 32-bit fixed memory range descriptor (6.4.3.4), readable and writable. */
  static byte[] memory32Fixed(AddressRange range) {
    check(range.end() - 1, range.start(), 0xFFFF_FFFFL);
    ByteBuffer out = header(MEMORY_32_FIXED, 9);
    out.put((byte) READ_WRITE).putInt((int) range.start()).putInt((int) range.length());
    return out.array();
  }

  /** Bus numbers of a bridge (6.4.3.5.3). */
  static byte[] busNumberWindow(int first, int last) {
    check(last, first, 0xFF);
    return wordWindow(BUS_NUMBER_RANGE, 0, first, last);
  }

  /** Ports that a bridge passes on (6.4.3.5.3). */
  static byte[] ioWindow(AddressRange range) {
    check(range.end() - 1, range.start(), 0xFFFF);
    return wordWindow(IO_RANGE, ENTIRE_RANGE, (int) range.start(), (int) range.end() - 1);
  }

  private static byte[] wordWindow(int type, int typeFlags, int first, int last) {
    ByteBuffer out = header(WORD_ADDRESS_SPACE, 13);
    out.put((byte) type).put((byte) WINDOW).put((byte) typeFlags);
    out.putShort((short) 0).putShort((short) first).putShort((short) last).putShort((short) 0);
    return out.putShort((short) (last - first + 1)).array();
  }

  /** Memory below 4 GiB that a bridge passes on (6.4.3.5.2), not cacheable. */
  static byte[] memoryWindow32(AddressRange range) {
    check(range.end() - 1, range.start(), 0xFFFF_FFFFL);
    ByteBuffer out = header(DWORD_ADDRESS_SPACE, 23);
    out.put((byte) MEMORY_RANGE).put((byte) WINDOW).put((byte) READ_WRITE);
    out.putInt(0).putInt((int) range.start()).putInt((int) (range.end() - 1)).putInt(0);
    return out.putInt((int) range.length()).array();
  }

  /** Extended interrupt descriptor (6.4.3.6): one edge-triggered, active-high interrupt. */
  static byte[] edgeInterrupt(int gsi, boolean shared) {
    return interrupt(gsi, INTERRUPT_EDGE | (shared ? INTERRUPT_SHARED : 0));
  }

  /** Extended interrupt descriptor: one level-triggered, active-high, shared interrupt. */
  static byte[] levelInterrupt(int gsi) {
    return interrupt(gsi, INTERRUPT_SHARED);
  }

  private static byte[] interrupt(int gsi, int flags) {
    check(gsi, 0, Integer.MAX_VALUE);
    ByteBuffer out = header(EXTENDED_INTERRUPT, 6);
    return out.put((byte) (INTERRUPT_CONSUMER | flags)).put((byte) 1).putInt(gsi).array();
  }

  /** A large resource descriptor (6.4.3) up to and with its length. */
  private static ByteBuffer header(int tag, int length) {
    return allocate(3 + length).put((byte) tag).putShort((short) length);
  }

  private static ByteBuffer allocate(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void check(long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(value + " is not within " + least + " to " + most);
    }
  }
}
