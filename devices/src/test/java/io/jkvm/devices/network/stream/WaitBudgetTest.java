// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class WaitBudgetTest {
  private static final long MILLI = 1_000_000L;

  /** However the waits are cut: what was saved at first, then a twentieth of the time. */
  @Test
  void isAShareOfTheTime() {
    long[] now = {0};
    WaitBudget patience = new WaitBudget(100, () -> now[0]);
    assertEquals(100, patience.leftMilliseconds());
    patience.spend(30 * MILLI);
    assertEquals(70, patience.leftMilliseconds());
    patience.spend(130 * MILLI);
    assertEquals(0, patience.leftMilliseconds());
    // 60 ms too many were spent, and a twentieth of the time makes up for that.
    now[0] += 1200 * MILLI;
    assertEquals(0, patience.leftMilliseconds());
    now[0] += 20 * MILLI;
    assertEquals(1, patience.leftMilliseconds());
    now[0] += 3600_000 * MILLI;
    assertEquals(100, patience.leftMilliseconds(), "no more than can be saved");
  }
}
