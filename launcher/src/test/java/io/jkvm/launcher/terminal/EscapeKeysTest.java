// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * The keys behind Ctrl-A; the thread that reads them is tried by the terminal tests of the
 * launcher.
 */
class EscapeKeysTest {
  private final AtomicInteger stops = new AtomicInteger();
  private final AtomicInteger helps = new AtomicInteger();
  private final AtomicInteger presses = new AtomicInteger();
  private final AtomicInteger breaks = new AtomicInteger();
  private final EscapeKeys input =
      new EscapeKeys(
          new EscapeKeys.Actions() {
            @Override
            public void stop() {
              stops.incrementAndGet();
            }

            @Override
            public void pressPowerButton() {
              presses.incrementAndGet();
            }

            @Override
            public void sendBreak() {
              breaks.incrementAndGet();
            }

            @Override
            public void help() {
              helps.incrementAndGet();
            }
          });

  private String kept(String keys) {
    byte[] bytes = keys.getBytes(StandardCharsets.ISO_8859_1);
    byte[] kept = new byte[bytes.length + 1];
    int length = input.unescape(bytes, bytes.length, kept);
    return new String(kept, 0, length, StandardCharsets.ISO_8859_1);
  }

  @Test
  void ordinaryKeysPass() {
    assertEquals("ls -l\r\u0003\u001b[A\u00ff\0", kept("ls -l\r\u0003\u001b[A\u00ff\0"));
  }

  @Test
  void stopsAndHelps() {
    assertEquals("ab", kept("a\u0001xb"));
    assertEquals(1, stops.get());
    assertEquals("", kept("\u0001h\u0001?\u0001H"));
    assertEquals(3, helps.get());
    assertEquals("xh", kept("xh"));
    assertEquals(1, stops.get());
  }

  @Test
  void breakAndPowerButton() {
    assertEquals("t", kept("\u0001bt"));
    assertEquals("", kept("\u0001p"));
    assertEquals(1, breaks.get());
    assertEquals(1, presses.get());
  }

  @Test
  void ctrlATwiceOrWithAIsCtrlA() {
    assertEquals("1\u00012\u00013", kept("1\u0001\u00012\u0001a3"));
  }

  @Test
  void anotherKeyPassesWithItsCtrlA() {
    assertEquals("\u0001c\u0001k", kept("\u0001c\u0001k"));
  }

  @Test
  void theTwoKeysMayComeInTwoReads() {
    assertEquals("", kept("\u0001"));
    assertEquals("", kept("x"));
    assertEquals(1, stops.get());
    assertEquals("12", kept("12\u0001"));
    assertEquals("\u0001dcd\u0001e", kept("dcd\u0001e"));
  }
}
