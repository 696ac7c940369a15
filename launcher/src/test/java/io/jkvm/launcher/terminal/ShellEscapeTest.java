// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ShellEscapeTest {
  private int left;
  private final ShellEscape escape = new ShellEscape(() -> left++);

  private String typed(String keys) {
    byte[] kept = new byte[2 * keys.length() + 2];
    int count = escape.unescape(keys.getBytes(US_ASCII), keys.length(), kept);
    return new String(kept, 0, count, US_ASCII);
  }

  @Test
  void tildeDotLeavesAtTheBeginningOfALine() {
    assertEquals("", typed("~."));
    assertEquals(1, left);
    assertEquals("a~.\r", typed("a~.\r"));
    assertEquals(1, left);
    assertEquals("", typed("~"));
    assertEquals("", typed("."));
    assertEquals(2, left);
  }

  @Test
  void otherTildesAreTheGuests() {
    assertEquals("~x", typed("~x"));
    assertEquals("~", typed("~"));
    assertEquals("\r~", typed("\r~~"));
    assertEquals(0, left);
  }

  @Test
  void aTildeIsHeldUntilTheNextKey() {
    assertEquals("ls\r", typed("ls\r~"));
    assertEquals("~/", typed("/"));
  }
}
