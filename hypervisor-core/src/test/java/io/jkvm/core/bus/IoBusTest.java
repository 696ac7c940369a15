// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.bus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class IoBusTest {
  private final List<String> log = new ArrayList<>();

  private BusDevice device(String name) {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        log.add(name + " read " + offset + "/" + size);
        return 0x1122334455667788L;
      }

      @Override
      public void write(long offset, int size, long value) {
        log.add(name + " write " + offset + "/" + size + " " + Long.toHexString(value));
      }
    };
  }

  @Test
  void deliversOffsetsFromTheStartOfTheRange() {
    IoBus bus =
        IoBus.builder()
            .map(0x3f8, 8, "a", device("a"))
            .map(0x60, 1, "b", device("b"))
            .map(0x400, 4, "c", device("c"))
            .build();
    bus.write(0x3fd, 1, 0xabcd);
    bus.read(0x60, 1);
    bus.write(0x400, 4, 0xffff_ffff_0000_0001L);
    assertEquals(List.of("a write 5/1 cd", "b read 0/1", "c write 0/4 1"), log);
  }

  @Test
  void masksWhatADeviceReturnsToTheSize() {
    IoBus bus = IoBus.builder().map(0, 16, "a", device("a")).build();
    assertEquals(0x88, bus.read(0, 1));
    assertEquals(0x7788, bus.read(0, 2));
    assertEquals(0x55667788L, bus.read(0, 4));
    assertEquals(0x1122334455667788L, bus.read(0, 8));
  }

  @Test
  void readsAllOnesWhereNothingAnswers() {
    IoBus bus = IoBus.builder().map(0x10, 4, "a", device("a")).build();
    assertEquals(0xff, bus.read(0x0f, 1));
    assertEquals(0xffff, bus.read(0x14, 2));
    assertEquals(0xffff_ffffL, bus.read(-4L, 4));
    assertEquals(-1L, bus.read(Long.MIN_VALUE, 8));
    assertEquals(List.of(), log);
  }

  @Test
  void refusesAnAccessThatLeavesTheRange() {
    IoBus bus =
        IoBus.builder().map(0x10, 4, "a", device("a")).map(0x14, 4, "b", device("b")).build();
    assertEquals(0xffff_ffffL, bus.read(0x12, 4));
    bus.write(0x13, 2, 1);
    assertEquals(List.of(), log);
  }

  @Test
  void refusesOverlapWhenBuilt() {
    IoBus.Builder builder = IoBus.builder().map(0x10, 4, "first", device("a"));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> builder.map(0x13, 1, "second", device("b")));
    assertEquals("second at 0x13-0x13 overlaps first at 0x10-0x13", e.getMessage());
  }
}
