// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ResetPortTest {
  private int resets;
  private final ResetPort control = ResetPort.resetControl(() -> resets++);
  private final ResetPort portA = ResetPort.systemControlA(() -> resets++);

  @Test
  void resetControlResetsOnTheRisingEdgeOfBit2() {
    control.write(0, 1, 0x02);
    assertEquals(0, resets);
    assertEquals(2, control.read(0, 1));
    control.write(0, 1, 0x06);
    control.write(0, 1, 0x0E);
    assertEquals(1, resets);
    control.write(0, 1, 0x00);
    control.write(0, 1, 0x04);
    assertEquals(2, resets);
  }

  @Test
  void softResetCountsToo() {
    control.write(0, 1, 0xF9);
    assertEquals(0, resets);
    control.write(0, 1, 0xFD);
    assertEquals(1, resets);
  }

  @Test
  void systemControlPortAResetsOnTheRisingEdgeOfBit0() {
    assertEquals(2, portA.read(0, 1), "A20 is open");
    portA.write(0, 1, 0);
    assertEquals(0, portA.read(0, 1));
    portA.write(0, 1, 3);
    portA.write(0, 1, 3);
    assertEquals(1, resets);
    portA.write(0, 1, 2);
    portA.write(0, 1, 3);
    assertEquals(2, resets);
  }
}
