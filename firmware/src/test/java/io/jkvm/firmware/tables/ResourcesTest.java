// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jkvm.core.bus.AddressRange;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Expected bytes are by hand from ACPI 6.4, section 6.4. */
class ResourcesTest {
  @Test
  void smallDescriptors() {
    assertHex("22 1000", Resources.irqNoFlags(4));
    assertHex("22 0080", Resources.irqNoFlags(15));
    assertHex("47 01 F803 F803 01 08", Resources.io(0x3F8, 8));
  }

  @Test
  void memory32Fixed() {
    assertHex(
        "86 0900 01 000000D0 00100000",
        Resources.memory32Fixed(new AddressRange(0xD0000000L, 4096)));
  }

  @Test
  void windows() {
    assertHex("88 0D00 02 0C 00 0000 0000 0000 0000 0100", Resources.busNumberWindow(0, 0));
    assertHex(
        "88 0D00 01 0C 03 0000 0010 FFFF 0000 00F0",
        Resources.ioWindow(new AddressRange(0x1000, 0xF000)));
    assertHex(
        "87 1700 00 0C 01 00000000 000000E0 FFFFFFFD 00000000 0000001E",
        Resources.memoryWindow32(new AddressRange(0xE0000000L, 0x1E000000L)));
  }

  @Test
  void interrupts() {
    assertHex("89 0600 03 01 05000000", Resources.edgeInterrupt(5, false));
    assertHex("89 0600 0B 01 05000000", Resources.edgeInterrupt(5, true));
    assertHex("89 0600 09 01 17000000", Resources.levelInterrupt(23));
  }

  @Test
  void templateIsBufferWithEndTag() {
    assertHex("11 08 0A05 220200 7900", Resources.template(Resources.irqNoFlags(1)));
  }

  @Test
  void refusesWhatDoesNotFit() {
    AddressRange over4Gib = new AddressRange(0xFFFFF000L, 0x2000);
    assertThrows(IllegalArgumentException.class, () -> Resources.irqNoFlags(16));
    assertThrows(IllegalArgumentException.class, () -> Resources.io(0x10000, 1));
    assertThrows(IllegalArgumentException.class, () -> Resources.io(0x1000, 256));
    assertThrows(IllegalArgumentException.class, () -> Resources.memory32Fixed(over4Gib));
    assertThrows(IllegalArgumentException.class, () -> Resources.memoryWindow32(over4Gib));
    assertThrows(IllegalArgumentException.class, () -> Resources.ioWindow(over4Gib));
    assertThrows(IllegalArgumentException.class, () -> Resources.busNumberWindow(0, 256));
    assertThrows(IllegalArgumentException.class, () -> Resources.levelInterrupt(-1));
  }

  private static void assertHex(String expected, byte[] actual) {
    assertEquals(expected.replace(" ", ""), HexFormat.of().withUpperCase().formatHex(actual));
  }
}
