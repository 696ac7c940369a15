// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.layout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.layout.E820Map.Type;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class E820MapTest {

  @Test
  void sortsByAddress() {
    Entry low = new Entry(0, 0x9FC00, Type.RAM);
    Entry high = new Entry(0x100000, 0x1000, Type.ACPI);
    assertEquals(List.of(low, high), E820Map.of(List.of(high, low)).entries());
  }

  @Test
  void adjacentRangesAreNoOverlap() {
    assertEquals(
        2,
        E820Map.of(List.of(new Entry(0, 16, Type.RAM), new Entry(16, 1, Type.ACPI)))
            .entries()
            .size());
  }

  @Test
  void refusesOverlap() {
    List<Entry> oneByteShared =
        List.of(new Entry(16, 1, Type.RESERVED), new Entry(0, 17, Type.RAM));
    assertThrows(IllegalArgumentException.class, () -> E820Map.of(oneByteShared));
  }

  @Test
  void refusesRangesOutOfBounds() {
    assertThrows(IllegalArgumentException.class, () -> new Entry(-1, 1, Type.RAM));
    assertThrows(IllegalArgumentException.class, () -> new Entry(0, 0, Type.RAM));
    assertThrows(IllegalArgumentException.class, () -> new Entry(0, -1, Type.RAM));
    assertThrows(IllegalArgumentException.class, () -> new Entry(2, Long.MAX_VALUE, Type.RAM));
  }

  @Test
  void writesTwentyLittleEndianBytesAnEntryAndKeepsTheByteOrder() {
    E820Map map =
        E820Map.of(
            List.of(
                new Entry(0x0102030405060708L, 0x1112L, Type.ACPI),
                new Entry(0, 0x9FC00, Type.RAM)));
    ByteBuffer buffer = ByteBuffer.allocate(41).order(ByteOrder.BIG_ENDIAN).position(1);
    map.writeTo(buffer);
    assertEquals(41, buffer.position());
    assertEquals(ByteOrder.BIG_ENDIAN, buffer.order());
    assertArrayEquals(
        HexFormat.of()
            .parseHex(
                "00"
                    + "0000000000000000"
                    + "00fc090000000000"
                    + "01000000"
                    + "0807060504030201"
                    + "1211000000000000"
                    + "03000000"),
        buffer.array());
  }

  @Test
  void refusesABufferThatIsTooSmall() {
    E820Map map = E820Map.of(List.of(new Entry(0, 1, Type.RAM)));
    assertThrows(BufferOverflowException.class, () -> map.writeTo(ByteBuffer.allocate(19)));
  }
}
