// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.StopReason;
import io.jkvm.machine.StopReason.Kind;
import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.CommandEnd.How;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.testing.TestOutcome;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ShellEndTest {
  private static final Optional<CommandEnd> NONE = Optional.empty();
  private static final Optional<StopReason> OURS = reason(Kind.REQUESTED);

  private static Optional<StopReason> reason(Kind kind) {
    return Optional.of(new StopReason(kind, ""));
  }

  private static Optional<CommandEnd> ended(How how, int value) {
    return Optional.of(new CommandEnd(how, value, false, false, ""));
  }

  private static TestOutcome outcome(EndClass end, Optional<CommandEnd> command, boolean started) {
    return new TestOutcome(
        end,
        "why",
        command,
        List.of(),
        Optional.empty(),
        List.of(),
        started,
        Instant.EPOCH,
        Duration.ZERO,
        Optional.empty(),
        List.of(),
        List.of());
  }

  private static void assertTold(int status, String line, ShellEnd end) {
    assertFalse(end.isWanted());
    assertEquals(status, end.status());
    assertEquals(Optional.of(line), end.line());
  }

  @Test
  void aShellsOwnEndIsItsStatusAndNoMore() {
    ShellEnd end = new ShellEnd(outcome(EndClass.EXITED, ended(How.EXITED, 7), true), false, OURS);
    assertEquals(7, end.status());
    assertEquals(Optional.empty(), end.line());
    ShellEnd killed =
        new ShellEnd(outcome(EndClass.SIGNAL, ended(How.SIGNALLED, 9), true), false, OURS);
    assertEquals(137, killed.status());
    assertTrue(killed.isWanted());
  }

  @ParameterizedTest
  @EnumSource(names = {"GUEST_POWER_OFF", "GUEST_RESET", "GUEST_HALT"})
  void aMachineThatIsEndedFromItsShellIsAnEnd(Kind kind) {
    ShellEnd end = new ShellEnd(outcome(EndClass.GONE, NONE, true), false, reason(kind));
    assertTrue(end.isWanted());
    assertEquals(0, end.status());
    assertEquals(reason(kind).map(StopReason::toString), end.line());
  }

  @Test
  void aUserMayLeave() {
    ShellEnd end = new ShellEnd(outcome(EndClass.INTERRUPTED, NONE, true), true, OURS);
    assertTrue(end.isWanted());
    assertEquals(0, end.status());
  }

  /** It was 0 for each of them. */
  @Test
  void whereThereWasNoShellNothingWentWell() {
    ShellEnd off =
        new ShellEnd(outcome(EndClass.GONE, NONE, false), false, reason(Kind.GUEST_POWER_OFF));
    assertTold(206, "gone, status 206: why", off);
    assertTold(
        125,
        "setup, status 125: why",
        new ShellEnd(outcome(EndClass.SETUP, NONE, false), false, OURS));
    assertTold(
        127,
        "setup, status 127: why",
        new ShellEnd(outcome(EndClass.SETUP, ended(How.NOT_FOUND, 2), true), false, OURS));
  }

  @Test
  void neitherDoesATerminalThatIsGone() {
    assertTold(
        130,
        "interrupted, status 130: why",
        new ShellEnd(outcome(EndClass.INTERRUPTED, NONE, true), false, reason(Kind.HOST_SIGNAL)));
  }

  @Test
  void whatEndsAnyCommandEndsAShell() {
    assertTold(
        201,
        "panic, status 201: why",
        new ShellEnd(outcome(EndClass.PANIC, NONE, true), false, reason(Kind.GUEST_PANIC)));
    assertTold(
        206,
        "gone, status 206: why",
        new ShellEnd(outcome(EndClass.GONE, NONE, true), false, reason(Kind.TRIPLE_FAULT)));
    assertTold(
        125,
        "setup, status 125: why",
        new ShellEnd(outcome(EndClass.SETUP, NONE, true), true, OURS));
  }
}
