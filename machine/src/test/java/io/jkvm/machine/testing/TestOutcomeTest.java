// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.CommandEnd.How;
import io.jkvm.machine.results.EndClass;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each class of end has its number, which a command's own end does not change. */
class TestOutcomeTest {
  private static int status(EndClass end, Optional<CommandEnd> command) {
    return new TestOutcome(
            end,
            "",
            command,
            List.of(),
            Optional.empty(),
            List.of(),
            true,
            Instant.EPOCH,
            Duration.ZERO,
            Optional.empty(),
            List.of(),
            List.of())
        .status();
  }

  private static Optional<CommandEnd> ended(How how, int value) {
    return Optional.of(new CommandEnd(how, value, false, false, ""));
  }

  @ParameterizedTest
  @CsvSource({
    "PANIC, 201",
    "OOPS, 202",
    "LOCKUP, 203",
    "STALL, 204",
    "OUT_OF_MEMORY, 205",
    "GONE, 206",
    "LIMIT, 124",
    "INTERRUPTED, 130",
    "SETUP, 125",
  })
  void ofEndsThatAreNotTheCommands(EndClass end, int status) {
    assertEquals(status, status(end, Optional.empty()));
    assertEquals(status, status(end, ended(How.EXITED, 0)));
    assertEquals(status, status(end, ended(How.SIGNALLED, 9)));
  }

  /** Trap 30: as a shell and containers have it. */
  @ParameterizedTest
  @CsvSource({
    "EXITED, EXITED, 0, 0",
    "EXITED, EXITED, 22, 22",
    "EXITED, EXITED, 255, 255",
    "SIGNAL, SIGNALLED, 11, 139",
    "SETUP, NOT_FOUND, 2, 127",
    "SETUP, NOT_EXECUTABLE, 13, 126",
    "SETUP, SETUP_FAILED, 22, 125",
  })
  void ofACommandsOwn(EndClass end, How how, int value, int status) {
    assertEquals(status, status(end, ended(how, value)));
  }

  /** Trap 32: failure unless the agent has reported otherwise. */
  @Test
  void withoutAReportNothingPasses() {
    assertEquals(206, status(EndClass.EXITED, Optional.empty()));
  }
}
