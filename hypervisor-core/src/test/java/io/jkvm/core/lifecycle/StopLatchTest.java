// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class StopLatchTest {
  @Test
  void theFirstReasonWins() throws Exception {
    StopLatch latch = new StopLatch();
    List<String> heard = new ArrayList<>();
    latch.onRequest(() -> heard.add("once"));
    assertEquals(Optional.empty(), latch.await(1, TimeUnit.MILLISECONDS));
    assertTrue(latch.request(StopReason.Kind.GUEST_RESET, ""));
    assertFalse(latch.request(StopReason.Kind.TIMEOUT, "late"));
    assertEquals(StopReason.Kind.GUEST_RESET, latch.await().kind());
    assertEquals(List.of("once"), heard);
  }
}
