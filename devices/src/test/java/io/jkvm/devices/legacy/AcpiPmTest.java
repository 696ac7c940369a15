// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AcpiPmTest {
  private static final int STATUS = 0;
  private static final int ENABLE = 2;
  private static final int CONTROL = 4;
  private static final int POWER_BUTTON = 0x100;
  private static final int SLEEP_ENABLE = 0x2000;

  private final List<Boolean> sci = new ArrayList<>();
  private int offs;
  private final AcpiPm pm = new AcpiPm(sci::add, 5, () -> offs++);

  @Test
  void isAlwaysInAcpiMode() {
    assertEquals(1, pm.read(CONTROL, 2) & 0xFFFF);
    pm.write(CONTROL, 2, 0);
    assertEquals(1, pm.read(CONTROL, 2) & 0xFFFF);
  }

  @Test
  void enabledPowerButtonRaisesSciUntilCleared() {
    pm.write(ENABLE, 2, POWER_BUTTON);
    assertTrue(pm.pressPowerButton());
    assertTrue(pm.pressPowerButton());
    assertEquals(List.of(true), sci);
    assertEquals(POWER_BUTTON, pm.read(STATUS, 2) & 0xFFFF);
    pm.write(STATUS, 2, 0xFEFF);
    assertEquals(List.of(true), sci);
    pm.write(STATUS, 2, POWER_BUTTON);
    assertEquals(List.of(true, false), sci);
    assertEquals(0, pm.read(STATUS, 2) & 0xFFFF);
  }

  @Test
  void pressBeforeEnableWaits() {
    assertFalse(pm.pressPowerButton());
    assertEquals(List.of(), sci);
    pm.write(ENABLE, 2, POWER_BUTTON);
    assertEquals(List.of(true), sci);
    pm.write(ENABLE, 2, 0);
    assertEquals(List.of(true, false), sci);
  }

  @Test
  void enableKeepsOnlyBitsThatExist() {
    pm.write(ENABLE, 2, 0xFFFF);
    assertEquals(0x0720, pm.read(ENABLE, 2) & 0xFFFF);
    assertEquals(List.of(), sci);
  }

  @Test
  void onlyTheSleepTypeOfS5PowersOff() {
    for (int type = 0; type < 8; type++) {
      pm.write(CONTROL, 2, type << 10);
    }
    assertEquals(0, offs);
    for (int type = 0; type < 8; type++) {
      pm.write(CONTROL, 2, type << 10 | SLEEP_ENABLE);
      assertEquals(type < 5 ? 0 : 1, offs);
      assertEquals(type << 10 | 1, pm.read(CONTROL, 2) & 0xFFFF);
    }
  }

  @Test
  void bytesAndDoubleWordsReachTheSameRegisters() {
    pm.write(STATUS, 4, (long) POWER_BUTTON << 16 | 0xFFFF);
    assertEquals(POWER_BUTTON, pm.read(ENABLE, 2) & 0xFFFF);
    pm.pressPowerButton();
    assertEquals((long) POWER_BUTTON << 16 | POWER_BUTTON, pm.read(STATUS, 4) & 0xFFFF_FFFFL);
    assertEquals(1, pm.read(STATUS + 1, 1) & 0xFF);
    pm.write(STATUS + 1, 1, 1);
    assertEquals(0, pm.read(STATUS, 2) & 0xFFFF);
    pm.write(CONTROL + 1, 1, 5 << 2);
    assertEquals(5 << 10 | 1, pm.read(CONTROL, 2) & 0xFFFF);
    pm.write(CONTROL, 1, 0xFF);
    assertEquals(5 << 10 | 3, pm.read(CONTROL, 2) & 0xFFFF);
    assertEquals(POWER_BUTTON, pm.read(ENABLE, 2) & 0xFFFF);
    assertEquals(0, offs);
    pm.write(CONTROL + 1, 1, 5 << 2 | SLEEP_ENABLE >> 8);
    assertEquals(1, offs);
  }
}
