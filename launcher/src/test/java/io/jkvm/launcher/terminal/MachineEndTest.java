// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.machine.StopReason;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
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

  /** Only then there are last words to wait for. */
  @Test
  void anEndIsTheGuestsUnlessTheHostChoseIt() {
    Set<StopReason.Kind> hosts =
        EnumSet.of(
            StopReason.Kind.REQUESTED,
            StopReason.Kind.HOST_FAILURE,
            StopReason.Kind.HOST_SIGNAL,
            StopReason.Kind.TIMEOUT);
    for (StopReason.Kind kind : StopReason.Kind.values()) {
      MachineEnd ending = new MachineEnd(new StopReason(kind, ""), OptionalInt.empty(), List.of());
      assertEquals(!hosts.contains(kind), ending.isGuests(), kind::toString);
      assertEquals(ExitStatus.HOST, ending.with(new IOException("no reader")).status());
    }
  }

  @Test
  void whatTheHostSaysOfTheOutputIsToldOnceAndNotOfAReaderThatGotTheSignalToo() {
    IOException full = new LinuxException("write", Errno.ENOSPC);
    IOException left = new LinuxException("write", Errno.EPIPE);
    assertTrue(ending(StopReason.Kind.GUEST_RESET).isNews(left));
    assertTrue(ending(StopReason.Kind.TIMEOUT).isNews(full));
    assertTrue(ending(StopReason.Kind.HOST_SIGNAL).isNews(full));
    assertFalse(ending(StopReason.Kind.HOST_SIGNAL).isNews(left));
    StopReason host = new StopReason(StopReason.Kind.HOST_FAILURE, full.getMessage());
    MachineEnd failed = new MachineEnd(host, OptionalInt.empty(), List.of());
    assertFalse(failed.isNews(full));
    assertTrue(failed.isNews(left));
  }

  private static MachineEnd ending(StopReason.Kind kind) {
    return new MachineEnd(new StopReason(kind, ""), OptionalInt.empty(), List.of());
  }
}
