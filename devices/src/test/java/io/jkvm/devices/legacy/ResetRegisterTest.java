// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ResetRegisterTest {
  private int resets;
  private final ResetRegister register = new ResetRegister(() -> resets++);

  @Test
  void resetsOnTheRisingEdgeOfBit2() {
    register.write(0, 1, 0x02);
    assertEquals(0, resets);
    assertEquals(2, register.read(0, 1));
    register.write(0, 1, 0x06);
    register.write(0, 1, 0x0E);
    assertEquals(1, resets);
    register.write(0, 1, 0x00);
    register.write(0, 1, 0x04);
    assertEquals(2, resets);
  }

  @Test
  void softResetCountsToo() {
    register.write(0, 1, 0xF9);
    assertEquals(0, resets);
    register.write(0, 1, 0xFD);
    assertEquals(1, resets);
  }
}
