// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class GuestMemoryTest {
  private static final long GIB = 1L << 30;

  @Test
  void splitsAroundTheGapBelow4Gib() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(6 * GIB)) {
      assertEquals(2, memory.regions().size());
      assertEquals(3 * GIB, memory.regions().get(0).end());
      assertEquals(4 * GIB, memory.regions().get(1).guestPhysicalAddress());
      assertEquals(7 * GIB, memory.regions().get(1).end());
      memory.writeU64(7 * GIB - 8, 0x1234567890abcdefL);
      assertEquals(0x1234567890abcdefL, memory.readU64(7 * GIB - 8));
      assertThrows(GuestFault.class, () -> memory.readU8(3 * GIB));
      assertThrows(GuestFault.class, () -> memory.readU8(4 * GIB - 1));
      assertThrows(GuestFault.class, () -> memory.readU8(7 * GIB));
      assertThrows(GuestFault.class, () -> memory.readU64(3 * GIB - 4));
      assertFalse(memory.contains(3 * GIB - 1, 2));
      assertFalse(memory.contains(3 * GIB - 1, GIB + 2));
    }
  }

  @Test
  void scalarsMayStraddleAGibibyte() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(2 * GIB)) {
      memory.writeU64(GIB - 3, 0x0807060504030201L);
      for (int i = 0; i < 8; i++) {
        assertEquals(i + 1, memory.readU8(GIB - 3 + i));
      }
      byte[] bytes = new byte[20];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (i * 7);
      }
      memory.write(GIB - 10, bytes, 0, bytes.length);
      byte[] back = new byte[20];
      memory.read(GIB - 10, back, 0, back.length);
      assertArrayEquals(bytes, back);
    }
  }

  @Test
  void buffersAndViewsMayStraddleAGibibyte() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(2 * GIB)) {
      ByteBuffer bytes = ByteBuffer.allocateDirect(40);
      for (int i = 0; i < 40; i++) {
        bytes.put(i, (byte) (i + 1));
      }
      memory.write(GIB - 17, bytes, 3, 33);
      ByteBuffer back = ByteBuffer.allocateDirect(40);
      memory.read(GIB - 17, back, 3, 33);
      ByteBuffer view = memory.view(GIB - 17, 33);
      assertEquals(33, view.capacity());
      for (int i = 0; i < 33; i++) {
        assertEquals(i + 4, back.get(3 + i));
        assertEquals(i + 4, view.get(i));
      }
      view.putShort(20, (short) 0x0102);
      assertEquals(0x0102, memory.readU16(GIB + 3));
      assertThrows(GuestFault.class, () -> memory.view(2 * GIB - 1, 2));
      assertThrows(GuestFault.class, () -> memory.view(-1, 2));
      assertThrows(GuestFault.class, () -> memory.write(2 * GIB - 10, bytes, 0, 11));
      assertThrows(GuestFault.class, () -> memory.read(2 * GIB - 10, bytes, 0, 11));
      assertThrows(GuestFault.class, () -> memory.read(-10, bytes, 0, 11));
      memory.write(2 * GIB - 10, bytes, 0, 10);
    }
  }

  @Test
  void takesEveryNumberAsUnsigned() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20)) {
      long[] outside = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1 << 20, (1 << 20) - 1, 1L << 62};
      for (long address : outside) {
        assertThrows(GuestFault.class, () -> memory.readU16(address));
        assertThrows(GuestFault.class, () -> memory.writeU32(address, 1));
        assertThrows(GuestFault.class, () -> memory.hostAddress(address, 2));
      }
      assertFalse(memory.contains(0, -1));
      assertFalse(memory.contains(4096, Long.MAX_VALUE));
      assertFalse(memory.contains(4096, -4096));
      assertFalse(memory.contains(1 << 20, 0));
      assertTrue(memory.contains((1 << 20) - 1, 1));
      assertThrows(GuestFault.class, () -> memory.read((1 << 20) - 4, new byte[8], 0, 8));
      assertThrows(GuestFault.class, () -> memory.slice((1 << 20) - 4, 8));
    }
  }

  @Test
  void orderedAccessesNeedAlignment() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20)) {
      memory.writeU16Release(2, 0xfffe);
      assertEquals(0xfffe, memory.readU16Acquire(2));
      assertThrows(GuestFault.class, () -> memory.readU16Acquire(3));
      assertThrows(GuestFault.class, () -> memory.writeU16Release(1, 0));
      assertThrows(GuestFault.class, () -> memory.writeU32Release(6, 0));
    }
  }

  @Test
  void isLittleEndian() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20)) {
      memory.writeU32(0, 0x01020304);
      assertEquals(4, memory.readU8(0));
      assertEquals(0x0304, memory.readU16(0));
      assertEquals(0x01020304, memory.slice(0, 4).getInt(0));
    }
  }

  @Test
  void refusesAnEmptyOrRaggedSize() {
    assertThrows(IllegalArgumentException.class, () -> GuestMemory.allocate(0));
    assertThrows(IllegalArgumentException.class, () -> GuestMemory.allocate(4097));
    assertThrows(IllegalArgumentException.class, () -> GuestMemory.allocate(-4096));
  }
}
