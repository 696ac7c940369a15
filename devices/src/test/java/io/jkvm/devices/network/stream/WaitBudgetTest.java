// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class WaitBudgetTest {
  /** However the waits are cut: what was saved at first, then a twentieth of the time. */
  @Test
  void isAShareOfTheTime() throws Exception {
    WaitBudget patience = new WaitBudget(100);
    assertEquals(100, patience.leftMilliseconds());
    patience.spend(30_000_000);
    assertTrue(patience.leftMilliseconds() >= 70 && patience.leftMilliseconds() < 90);
    patience.spend(130_000_000);
    assertEquals(0, patience.leftMilliseconds());
    long start = System.nanoTime();
    while (patience.leftMilliseconds() == 0) {
      Thread.sleep(10);
    }
    // Some 60 ms too many were spent, which takes more than a second to make up for.
    assertTrue(System.nanoTime() - start > 1_000_000_000L);
  }
}
