// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.jna.Pointer;
import io.jkvm.core.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeNameTest {
  private final NativeName name = new NativeName(NativeName.NAME_MAX);

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** What the kernel would read. */
  private static byte[] inMemory(NativeName name) {
    long nul = new Pointer(name.address()).indexOf(0, (byte) 0);
    return new Pointer(name.address()).getByteArray(0, (int) nul);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "/", "a/b", "/a", "a/", "../a", "\0", "a\0", "\0a"})
  void componentsThatAreNoneAreRefusedAndLeaveNothing(String text) {
    assertEquals(0, name.setComponent(bytes("before")));
    assertEquals(-Errno.EINVAL, name.setComponent(bytes(text)));
    assertEquals(0, name.length());
    assertEquals(0, inMemory(name).length);
    assertEquals(0, name.setComponent(bytes("before")));
    assertEquals(-Errno.EINVAL, name.setComponent(ByteBuffer.wrap(bytes(text)), 0, text.length()));
    assertEquals(0, inMemory(name).length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "...", ".a", "a.", "..a", "\u00ff", "\n", " ", "\u00ff\u00fe\\"})
  void allElseIsTakenByteByByte(String text) {
    assertEquals(0, name.setComponent(bytes("something longer than it")));
    assertEquals(0, name.setComponent(bytes(text)));
    assertArrayEquals(bytes(text), inMemory(name));
    assertArrayEquals(bytes(text), name.bytes());
    assertEquals(text.length(), name.length());
  }

  @Test
  void aPartOfABufferIsTaken() {
    ByteBuffer source = ByteBuffer.allocateDirect(10).put(bytes("0/name/xyz"));
    assertEquals(0, name.setComponent(source, 2, 4));
    assertArrayEquals(bytes("name"), inMemory(name));
    assertEquals(10, source.position(), "the source stays as it was");
    assertEquals(0, name.setComponent(source, 9, 1));
    assertArrayEquals(bytes("z"), inMemory(name));
  }

  @Test
  void aPartOutsideOfTheBufferIsRefused() {
    ByteBuffer source = ByteBuffer.wrap(bytes("0123456789"));
    int[][] parts = {{-1, 1}, {0, -1}, {9, 2}, {11, 0}, {1, Integer.MAX_VALUE}, {1 << 31, 1 << 31}};
    for (int[] part : parts) {
      assertEquals(-Errno.EINVAL, name.setComponent(source, part[0], part[1]));
      assertEquals(-Errno.EINVAL, name.set(source, part[0], part[1]));
    }
    source.limit(5);
    assertEquals(-Errno.EINVAL, name.setComponent(source, 3, 3));
  }

  @Test
  void lengthsAtTheLimits() {
    NativeName path = new NativeName(NativeName.PATH_BYTES);
    for (NativeName each : new NativeName[] {name, path}) {
      assertEquals(0, each.setComponent(bytes("x".repeat(255))));
      assertEquals(255, inMemory(each).length);
      assertEquals(-Errno.ENAMETOOLONG, each.setComponent(bytes("x".repeat(256))));
      assertEquals(0, inMemory(each).length);
    }
    assertEquals(-Errno.ENAMETOOLONG, name.set(bytes("x".repeat(256))));
    assertEquals(0, path.set(bytes("/".repeat(4095))));
    assertEquals(4095, inMemory(path).length);
    assertEquals(-Errno.ENAMETOOLONG, path.set(bytes("/".repeat(4096))));
    ByteBuffer large = ByteBuffer.allocate(1 << 16);
    assertEquals(-Errno.ENAMETOOLONG, path.set(large, 0, 1 << 16), "before it looks for a NUL");
  }

  @Test
  void otherNamesMayHaveAllButANul() {
    for (String text : new String[] {"", "..", "../x", "/etc/passwd", "user.\u00ff"}) {
      assertEquals(0, name.set(bytes(text)));
      assertArrayEquals(bytes(text), inMemory(name));
    }
    assertEquals(-Errno.EINVAL, name.set(bytes("a\0b")));
    assertEquals(0, inMemory(name).length);
    name.set(bytes("a"));
    name.clear();
    assertEquals(0, inMemory(name).length);
  }

  @Test
  void isCopiedWithoutItsNul() {
    byte[] target = {1, 2, 3, 4};
    name.set(bytes("ab"));
    assertEquals(2, name.copyTo(target));
    assertArrayEquals(new byte[] {'a', 'b', 3, 4}, target);
    name.clear();
    assertEquals(0, name.copyTo(target));
    assertArrayEquals(new byte[] {'a', 'b', 3, 4}, target);
  }

  @Test
  void descriptorsOfAnyLength() {
    for (int fd : new int[] {0, 9, 10, 100, 65535, Integer.MAX_VALUE}) {
      name.setDescriptor(fd);
      assertEquals("/proc/self/fd/" + fd, new String(inMemory(name), StandardCharsets.US_ASCII));
      assertEquals(inMemory(name).length, name.length());
    }
    name.setDescriptor(-1);
    assertEquals(0, inMemory(name).length, "not somebody else's");
  }
}
