// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.layout.E820Map.Type;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a machine's RAM looks like to its guest. */
class MachineMemoryMapTest {
  private static final long MIB = 1 << 20;
  private static final long GIB = 1 << 30;

  @Test
  void ramBelowTheGap() throws IOException {
    assertMap(64 * MIB, 64 * MIB, 0);
  }

  @Test
  void ramUpToTheGap() throws IOException {
    assertMap(3 * GIB, 3 * GIB, 0);
  }

  @Test
  void ramOnBothSidesOfTheGap() throws IOException {
    assertMap(6 * GIB, 3 * GIB, 3 * GIB);
    assertMap(3 * GIB + 4096, 3 * GIB, 4096);
  }

  @Test
  void refusesRamWithoutExtendedMemory() throws IOException {
    try (GuestMemory memory = GuestMemory.allocate(MIB)) {
      assertThrows(IllegalArgumentException.class, () -> E820Map.of(memory));
    }
  }

  private static void assertMap(long size, long lowEnd, long high) throws IOException {
    List<Entry> expected = new ArrayList<>();
    expected.add(new Entry(0, 0x9FC00, Type.RAM));
    expected.add(new Entry(0x9FC00, 0x400, Type.RESERVED));
    expected.add(new Entry(0xF0000, 0x10000, Type.RESERVED));
    expected.add(new Entry(MIB, lowEnd - MIB, Type.RAM));
    expected.add(new Entry(0xFFFBC000L, 0x44000, Type.RESERVED));
    if (high > 0) {
      expected.add(new Entry(4 * GIB, high, Type.RAM));
    }
    try (GuestMemory memory = GuestMemory.allocate(size)) {
      assertEquals(expected, E820Map.of(memory).entries());
    }
  }
}
