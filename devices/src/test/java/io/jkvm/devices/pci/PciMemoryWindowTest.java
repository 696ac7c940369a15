// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.devices.pci.testing.PciMachine;
import io.jkvm.devices.pci.testing.TestFunction;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Ranges that a guest moves, well or badly. */
class PciMemoryWindowTest {
  private static final int MEMORY = 2;

  private final PciMachine machine = new PciMachine();
  private final TestFunction one = new TestFunction(1, 0x4000, 0x1000);
  private final TestFunction two = new TestFunction(2, 0x4000);

  @BeforeEach
  void add() {
    machine.bus().add(1, one);
    machine.bus().add(2, two);
  }

  private long read(long address) {
    return machine.memory().read(address, 4);
  }

  @Test
  void rangesAreDisjointFromTheStartButAnswerOnlyWhenEnabled() {
    long a = machine.barAddress(1, 0);
    long b = machine.barAddress(1, 1);
    long c = machine.barAddress(2, 0);
    assertEquals(0xffff_ffffL, read(a));
    machine.command(1, MEMORY, 0);
    machine.command(2, MEMORY, 0);
    assertEquals(0x0100_0010, read(a + 0x10));
    assertEquals(0x0101_0ffc, read(b + 0xffc));
    assertEquals(0x0200_3ffc, read(c + 0x3ffc));
    assertEquals(0xffff_ffffL, read(c + 0x4000));
    assertEquals(-1, machine.memory().read(b + 0xffc, 8), "leaves the range");
    machine.command(1, 0, MEMORY);
    assertEquals(0xffff_ffffL, read(a));
    assertEquals(0x0200_0000, read(c));
  }

  @Test
  void aRangeMovesAndTheFunctionIsTold() {
    machine.command(1, MEMORY, 0);
    assertEquals(List.of("+0@e0000000", "+1@e0004000"), one.takeMoves());
    machine.placeBar(1, 0, 0xf000_0000L);
    assertEquals(List.of("-0@e0000000", "+0@f0000000"), one.takeMoves());
    assertEquals(0xffff_ffffL, read(0xe000_0000L));
    assertEquals(0x0100_0004, read(0xf000_0004L));
    machine.placeBar(1, 0, 0xf000_0000L);
    machine.command(1, 4, 0);
    assertEquals(List.of(), one.takeMoves(), "nothing changed");
    machine.command(1, 0, MEMORY);
    assertEquals(List.of("-0@f0000000", "-1@e0004000"), one.takeMoves());
  }

  @Test
  void outsideTheWindowNothingIsDecoded() {
    machine.command(1, MEMORY, 0);
    one.takeMoves();
    machine.placeBar(1, 1, 0xfdff_f000L);
    assertEquals(List.of("-1@e0004000", "+1@fdfff000"), one.takeMoves());
    long[] bad = {
      0, 0x10_0000, 0xbfff_c000L, 0xdfff_f000L, 0xfe00_0000L, 0xfee0_0000L, 0xffff_f000L
    };
    for (long address : bad) {
      machine.placeBar(1, 1, address);
      machine.placeBar(1, 0, address & -0x4000);
      assertEquals(address, machine.barAddress(1, 1));
    }
    one.takeMoves();
    machine.placeBar(1, 1, 0xe000_0000L);
    assertEquals(List.of("+1@e0000000"), one.takeMoves());
  }

  @Test
  void ofOverlappingRangesTheFirstIsDecoded() {
    machine.command(1, MEMORY, 0);
    machine.command(2, MEMORY, 0);
    one.takeMoves();
    two.takeMoves();
    machine.placeBar(2, 0, 0xe000_0000L);
    assertEquals(0x0100_0000, read(0xe000_0000L));
    assertEquals(List.of("-0@e0008000"), two.takeMoves());
    machine.placeBar(1, 1, 0xe000_3000L);
    assertEquals(0x0100_3000, read(0xe000_3000L), "the lower register of one function");
    machine.placeBar(1, 0, 0xe100_0000L);
    assertEquals(0x0101_0000, read(0xe000_3000L), "one's second range, now alone in front of two");
    assertEquals(0xffff_ffffL, read(0xe000_0000L));
    machine.placeBar(1, 1, 0xe200_0000L);
    assertEquals(0x0200_3000, read(0xe000_3000L));
    assertEquals(List.of("+0@e0000000"), two.takeMoves());
  }
}
