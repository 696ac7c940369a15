// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class IoVectorTest {
  @Test
  void advances() {
    IoVector vector = new IoVector(3);
    vector.add(1000, 10);
    vector.add(2000, 0);
    vector.add(3000, 20);
    assertEquals(2, vector.count());
    long start = vector.address();
    vector.advance(4);
    assertEquals(start, vector.address());
    assertEquals(26, vector.remainingBytes());
    vector.advance(6);
    assertEquals(start + 16, vector.address());
    assertEquals(1, vector.count());
    vector.advance(20);
    assertEquals(0, vector.count());
    assertThrows(IllegalArgumentException.class, () -> vector.advance(1));
    vector.clear();
    vector.add(1, 1);
    assertEquals(start, vector.address());
  }

  /** What the kernel then writes is the header and the rest of the other list. */
  @Test
  void takesWhatIsLeftOfAnother() throws Exception {
    NativeMemory memory = new NativeMemory(64);
    for (int i = 0; i < 64; i++) {
      memory.buffer().put(i, (byte) i);
    }
    IoVector other = new IoVector(3);
    other.add(memory.address() + 8, 8);
    other.add(memory.address() + 24, 8);
    other.add(memory.address() + 40, 8);
    other.advance(10);
    IoVector all = new IoVector(3);
    all.add(memory.address(), 4);
    all.addAll(other);
    assertEquals(18, all.remainingBytes());
    assertEquals(3, all.count());
    NativeMemory pipe = new NativeMemory(8);
    NativeMemory read = new NativeMemory(64);
    LinuxException.check(
        "socketpair", Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM, 0, pipe.address()));
    try (Fd in = new Fd(pipe.buffer().getInt(0));
        Fd out = new Fd(pipe.buffer().getInt(4))) {
      assertEquals(18, Libc.writev(in.value(), all.address(), all.count()));
      assertEquals(18, Libc.read(out.value(), read.address(), 64));
    }
    int[] expected = {0, 1, 2, 3, 26, 27, 28, 29, 30, 31, 40, 41, 42, 43, 44, 45, 46, 47};
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], read.buffer().get(i));
    }
  }

  @Test
  void holdsNoMoreThanItsCapacity() {
    IoVector vector = new IoVector(2);
    vector.add(1, 1);
    vector.add(2, 1);
    assertThrows(IllegalStateException.class, () -> vector.add(3, 1));
    IoVector other = new IoVector(1);
    assertThrows(IllegalStateException.class, () -> other.addAll(vector));
  }

  @Test
  void copiesBetweenItsRangesAndABuffer() {
    NativeMemory memory = new NativeMemory(16);
    IoVector vector = new IoVector(2);
    vector.add(memory.address() + 1, 3);
    vector.add(memory.address() + 8, 4);
    vector.fill(ByteBuffer.wrap("abcde".getBytes(StandardCharsets.US_ASCII)));
    assertEquals(2, vector.remainingBytes());
    vector.fill(ByteBuffer.wrap("fghi".getBytes(StandardCharsets.US_ASCII), 0, 2));
    assertEquals(0, vector.remainingBytes());
    byte[] bytes = new byte[16];
    memory.buffer().get(0, bytes);
    assertEquals(
        ".abc....defg....", new String(bytes, StandardCharsets.US_ASCII).replace('\0', '.'));

    vector.clear();
    vector.add(memory.address() + 1, 3);
    vector.add(memory.address() + 8, 4);
    ByteBuffer target = ByteBuffer.allocate(5);
    vector.drain(target);
    assertEquals("abcde", new String(target.array(), StandardCharsets.US_ASCII));
    assertEquals(2, vector.remainingBytes());
  }

  @Test
  void copiesBetweenItsRangesAndMemory() {
    NativeMemory memory = new NativeMemory(16);
    NativeMemory other = new NativeMemory(8);
    other.buffer().put(0, "abcdefgh".getBytes(StandardCharsets.US_ASCII));
    IoVector vector = new IoVector(2);
    vector.add(memory.address() + 1, 3);
    vector.add(memory.address() + 8, 4);
    vector.fill(other.address(), 5);
    assertEquals(2, vector.remainingBytes());
    vector.fill(other.address() + 6, 2);
    assertEquals(0, vector.remainingBytes());
    assertEquals(".abc....degh....", text(memory));
    assertThrows(IllegalArgumentException.class, () -> vector.fill(other.address(), 1));

    vector.clear();
    vector.add(memory.address() + 1, 3);
    vector.add(memory.address() + 8, 4);
    other.buffer().putLong(0, 0);
    vector.drain(other.address() + 1, 5);
    assertEquals(".abcde..", text(other));
    assertThrows(IllegalArgumentException.class, () -> vector.drain(other.address(), 3));
    vector.drain(other.address(), 2);
    assertEquals("ghbcde..", text(other));
  }

  private static String text(NativeMemory memory) {
    byte[] bytes = new byte[memory.buffer().capacity()];
    memory.buffer().get(0, bytes);
    return new String(bytes, StandardCharsets.US_ASCII).replace('\0', '.');
  }

  @Test
  void knowsWhetherWhatIsLeftIsAligned() {
    IoVector vector = new IoVector(3);
    assertTrue(vector.isAligned(4096, 4096));
    vector.add(0x10000, 512);
    vector.add(0x20004, 1024);
    assertTrue(vector.isAligned(4, 512));
    assertFalse(vector.isAligned(8, 512), "the second's address");
    assertFalse(vector.isAligned(4, 1024), "the first's length");
    vector.advance(512);
    assertTrue(vector.isAligned(4, 1024));
    vector.advance(1);
    assertFalse(vector.isAligned(4, 1));
    assertFalse(vector.isAligned(1, 512));
    assertTrue(vector.isAligned(1, 1));
  }

  @Test
  void memoryBeginsWhereItIsWanted() {
    for (int alignment = 16; alignment <= 1 << 16; alignment *= 2) {
      NativeMemory memory = NativeMemory.aligned(100, alignment);
      assertEquals(0, memory.address() % alignment);
      assertEquals(100, memory.buffer().capacity());
      memory.buffer().putLong(0, 0x0102030405060708L);
      NativeMemory first = new NativeMemory(1);
      IoVector vector = new IoVector(1);
      vector.add(memory.address(), 1);
      vector.drain(first.address(), 1);
      assertEquals(8, first.buffer().get(0), "little-endian, and its address is its buffer's");
    }
  }
}
