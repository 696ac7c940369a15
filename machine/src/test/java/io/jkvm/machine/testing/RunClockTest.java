// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunClockTest {
  private static final Optional<Duration> DAY = Optional.of(Duration.ofDays(1));
  private static final Optional<Duration> PAST = Optional.of(Duration.ofNanos(1));

  @Test
  void withoutLimitsItWaitsAMinuteAtATime() {
    RunClock clock = new RunClock(Optional.empty(), Optional.empty());
    assertEquals(60_000, clock.millisecondsLeft());
    assertFalse(clock.isOver());
    assertFalse(clock.isStalled());
  }

  @Test
  void aLimitThatIsFarOffIsNotReached() {
    RunClock clock = new RunClock(DAY, DAY);
    assertEquals(60_000, clock.millisecondsLeft());
    assertFalse(clock.isOver() || clock.isStalled());
  }

  @Test
  void whatIsOverIsOver() {
    assertTrue(new RunClock(PAST, DAY).isOver());
    assertTrue(new RunClock(DAY, PAST).isStalled());
    assertTrue(new RunClock(PAST, Optional.empty()).millisecondsLeft() <= 0);
  }

  @Test
  void aShorterTimeCountsAndALongerOneDoesNot() {
    RunClock clock = new RunClock(DAY, Optional.empty());
    clock.shorten(Duration.ofDays(2));
    assertFalse(clock.isOver());
    clock.shorten(Duration.ZERO);
    assertTrue(clock.isOver());
  }
}
