// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.machine.StopReason;
import java.io.IOException;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MachineEndTest {
  /** A status of -1 is none. */
  @ParameterizedTest
  @CsvSource({
    "GUEST_RESET, -1, true, 0, guest reset",
    "GUEST_RESET, 0, true, 0, guest reset",
    "GUEST_RESET, 42, true, 42, 'guest reset, status 42'",
    "GUEST_POWER_OFF, 255, true, 255, 'guest power-off, status 255'",
    "GUEST_HALT, 1, true, 1, 'guest halt, status 1'",
    "GUEST_RESET, 42, false, 3, 'guest reset, status 42'",
    "GUEST_RESET, -1, false, 3, guest reset",
    "REQUESTED, 42, true, 0, stopped on request",
    "REQUESTED, -1, false, 3, stopped on request",
    "GUEST_PANIC, 42, true, 4, guest kernel panic",
    "GUEST_PANIC, -1, false, 3, guest kernel panic",
    "TIMEOUT, 0, true, 124, timeout",
    "TIMEOUT, 0, false, 3, timeout",
    "HOST_SIGNAL, 0, false, 3, signal"
  })
  void theGuestsStatusCountsWhereItChoseTheEndAndNothingWasLost(
      StopReason.Kind kind, int guestStatus, boolean allClosed, int status, String text) {
    OptionalInt left = guestStatus < 0 ? OptionalInt.empty() : OptionalInt.of(guestStatus);
    List<Exception> failures = allClosed ? List.of() : List.of(new IOException("no room"));
    MachineEnd ending = new MachineEnd(new StopReason(kind, ""), left, failures);
    assertEquals(status, ending.status());
    assertEquals(text, ending.toString());
  }
}
