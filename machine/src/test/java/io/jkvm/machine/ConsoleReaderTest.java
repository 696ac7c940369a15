// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ConsoleReaderTest {
  private static String text(byte[] bytes) {
    return new ConsoleText(bytes).toString();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void charactersOfSeveralBytesAreOne() {
    String all = "a\u00e4\u20ac\ud83d\ude00z";
    ConsoleText text = new ConsoleText(utf8(all));
    assertEquals(all, text.toString());
    assertEquals(0, text.byteOf(0));
    assertEquals(1, text.byteOf(1));
    assertEquals(3, text.byteOf(2));
    assertEquals(6, text.byteOf(3));
    assertEquals(10, text.byteOf(5));
    assertEquals(11, text.byteOf(6));
  }

  @Test
  void aCharacterThatIsNotWholeYetIsLeftOut() {
    byte[] euro = utf8("x\u20ac");
    for (int length = 1; length < euro.length; length++) {
      ConsoleText text = new ConsoleText(java.util.Arrays.copyOf(euro, length));
      assertEquals("x", text.toString());
      assertEquals(1, text.byteOf(1));
    }
  }

  @Test
  void whatIsNoUtf8IsOneReplacementAByte() {
    byte[] bytes = {'a', (byte) 0x80, (byte) 0xc3, 'b', (byte) 0xff, (byte) 0xe2, (byte) 0x82, 'c'};
    assertEquals("a\ufffd\ufffdb\ufffd\ufffd\ufffdc", text(bytes));
    assertEquals(8, new ConsoleText(bytes).byteOf(8));
  }
}
