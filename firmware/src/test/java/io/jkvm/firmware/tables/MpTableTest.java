// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import io.jkvm.firmware.testing.Boots;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class MpTableTest {
  private static final int TABLE = 16;

  @Test
  void pointerLeadsToTheTable() throws IOException, GuestFault {
    ByteBuffer b = write(1);
    assertEquals("_MP_", text(b, 0, 4));
    assertEquals(0x9FC10, b.getInt(4));
    assertEquals(1, b.get(8), "length in paragraphs");
    assertEquals(4, b.get(9), "revision 1.4");
    assertEquals(0, b.get(11), "a configuration table is present");
    assertEquals(0, b.get(12), "virtual wire mode, no IMCR");
    assertEquals(0, sum(b, 0, 16));
  }

  @Test
  void headerCountsWhatFollows() throws IOException, GuestFault {
    for (int processors : new int[] {1, 2, MpTable.MAX_PROCESSORS}) {
      ByteBuffer b = write(processors);
      assertEquals("PCMP", text(b, TABLE, 4));
      assertEquals(4, b.get(TABLE + 6));
      assertEquals("JKVM    MICROVM     ", text(b, TABLE + 8, 20));
      assertEquals(0xFEE00000, b.getInt(TABLE + 36));
      int length = b.getShort(TABLE + 4) & 0xFFFF;
      assertEquals(0, sum(b, TABLE, TABLE + length));
      int entries = 0;
      int at = TABLE + 44;
      while (at < TABLE + length) {
        at += b.get(at) == 0 ? 20 : 8;
        entries++;
      }
      assertEquals(TABLE + length, at);
      assertEquals(entries, b.getShort(TABLE + 34));
      assertEquals(processors + 19, entries);
    }
  }

  @Test
  void ofALargeMachineTheFirstProcessorsAreListed() throws IOException, GuestFault {
    assertEquals(write(MpTable.MAX_PROCESSORS), write(MpTable.MAX_PROCESSORS + 1));
  }

  @Test
  void processorsBusAndIoApic() throws IOException, GuestFault {
    ByteBuffer b = write(2);
    int at = TABLE + 44;
    assertEquals(0x03140000, b.getInt(at), "processor 0: enabled, bootstrap");
    assertEquals(0x01140100, b.getInt(at + 20), "processor 1: enabled");
    at += 40;
    assertEquals(1, b.get(at));
    assertEquals("ISA   ", text(b, at + 2, 6));
    assertEquals(0x01110202, b.getInt(at + 8), "I/O APIC 2: after the processors, enabled");
    assertEquals(0xFEC00000, b.getInt(at + 12));
  }

  @Test
  void interruptsAreTheInputsOfTheirNumbers() throws IOException, GuestFault {
    ByteBuffer b = write(1);
    int at = TABLE + 44 + 20 + 8 + 8;
    for (int irq = 0; irq < 16; irq++) {
      if (irq == 2) {
        continue; // the cascade
      }
      assertEquals(3, b.get(at));
      assertEquals(0, b.get(at + 1), "vectored");
      assertEquals(0, b.getShort(at + 2), "flags of IRQ " + irq);
      assertEquals(irq, b.get(at + 5));
      assertEquals(1, b.get(at + 6), "I/O APIC id");
      assertEquals(irq, b.get(at + 7));
      at += 8;
    }
    assertEquals(0x0304, b.getShort(at), "local interrupt, ExtINT");
    assertEquals(0, b.get(at + 7), "LINT0");
    assertEquals(0x0104, b.getShort(at + 8), "local interrupt, NMI");
    assertEquals(0x01FF, b.getShort(at + 14) & 0xFFFF, "LINT1 of all");
  }

  @Test
  void staysInItsKib() throws IOException, GuestFault {
    try (GuestMemory memory = GuestMemory.allocate(2 << 20)) {
      MpTable.write(memory, MpTable.MAX_PROCESSORS, 32);
      assertEquals(0, memory.readU8(0x9FBFF));
      assertEquals(0, memory.readU8(0xA0000));
      assertThrows(IllegalArgumentException.class, () -> MpTable.write(memory, 0, 0));
    }
    assertTrue(X86Layout.EBDA + 1024 == X86Layout.BASE_MEMORY_END);
  }

  @Test
  void pciInterruptsAreLevelTriggered() throws IOException, GuestFault {
    ByteBuffer b = write(1, 10);
    int at = TABLE + 44 + 20;
    assertEquals("PCI   ", text(b, at + 2, 6));
    assertEquals(0, b.get(at + 1), "PCI bus 0");
    assertEquals("ISA   ", text(b, at + 10, 6));
    assertEquals(1, b.get(at + 9), "ISA is the next bus");
    at += 8 + 8 + 8;
    for (int i = 0; i < 15; i++, at += 8) {
      assertEquals(1, b.get(at + 4), "an ISA interrupt");
    }
    for (int device = 1; device < 10; device++, at += 8) {
      assertEquals(0x0003, b.getShort(at), "I/O interrupt, vectored");
      assertEquals(0x0D, b.getShort(at + 2), "active high, level");
      assertEquals(0, b.get(at + 4));
      assertEquals(device << 2, b.get(at + 5), "INTA# of the device");
      assertEquals(1, b.get(at + 6));
      assertEquals(16 + device % 8, b.get(at + 7));
    }
    assertEquals(0x0304, b.getShort(at), "local interrupts follow");
    assertEquals(1, b.get(at + 4));
  }

  @Test
  void pciInterruptsBeyondTheRoomAreLeftOut() throws IOException, GuestFault {
    assertEquals(26 + 20 + 31, write(26, 32).getShort(TABLE + 34));
    ByteBuffer b = write(MpTable.MAX_PROCESSORS, 32);
    assertEquals(MpTable.MAX_PROCESSORS + 20 + 20, b.getShort(TABLE + 34));
    assertEquals(0, sum(b, TABLE, TABLE + b.getShort(TABLE + 4)));
  }

  private static ByteBuffer write(int processors) throws IOException, GuestFault {
    return write(processors, 0);
  }

  private static ByteBuffer write(int processors, int pciDevices) throws IOException, GuestFault {
    try (GuestMemory memory = GuestMemory.allocate(2 << 20)) {
      MpTable.write(memory, processors, pciDevices);
      return ByteBuffer.wrap(Boots.read(memory, 0x9FC00, 1024)).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  private static String text(ByteBuffer b, int at, int length) {
    return new String(b.array(), at, length, StandardCharsets.US_ASCII);
  }

  private static int sum(ByteBuffer b, int from, int to) {
    int sum = 0;
    for (int i = from; i < to; i++) {
      sum += b.get(i);
    }
    return sum & 0xFF;
  }
}
