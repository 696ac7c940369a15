// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunClockTest {
  private static final Optional<Duration> NEVER = Optional.empty();

  private final FakeTime time = new FakeTime();

  private RunClock clock(Optional<Duration> limit, Optional<Duration> stall) {
    return new RunClock(limit, stall, time);
  }

  private static Optional<Duration> seconds(long seconds) {
    return Optional.of(Duration.ofSeconds(seconds));
  }

  @Test
  void withoutLimitsItWaitsAMinuteAtATime() {
    RunClock clock = clock(NEVER, NEVER);
    time.pass(Duration.ofDays(1000));
    assertEquals(60_000, clock.millisecondsLeft());
    assertFalse(clock.isOver());
    assertFalse(clock.isStalled());
  }

  @Test
  void theLimitIsReachedWhenItsTimeIsOverAndNotBefore() {
    RunClock clock = clock(seconds(90), NEVER);
    assertEquals(60_000, clock.millisecondsLeft());
    time.passSeconds(89);
    clock.touch(); // which is no reason to go on
    assertEquals(1_000, clock.millisecondsLeft());
    assertFalse(clock.isOver());
    time.pass(Duration.ofNanos(999_999_999));
    assertEquals(1, clock.millisecondsLeft());
    assertFalse(clock.isOver());
    time.pass(Duration.ofNanos(1));
    assertTrue(clock.isOver());
    assertFalse(clock.isStalled());
    assertTrue(clock.millisecondsLeft() <= 0);
  }

  @Test
  void silenceIsCountedFromTheLastWord() {
    RunClock clock = clock(NEVER, seconds(30));
    time.passSeconds(29);
    clock.touch();
    assertEquals(30_000, clock.millisecondsLeft());
    time.passSeconds(29);
    assertFalse(clock.isStalled());
    assertEquals(1_000, clock.millisecondsLeft());
    time.passSeconds(1);
    assertTrue(clock.isStalled());
    assertFalse(clock.isOver());
    clock.touch();
    assertFalse(clock.isStalled());
  }

  @Test
  void theNearerOfTheTwoIsWaitedFor() {
    assertEquals(5_000, clock(seconds(5), seconds(30)).millisecondsLeft());
    assertEquals(5_000, clock(seconds(30), seconds(5)).millisecondsLeft());
  }

  @Test
  void aShorterTimeCountsAndALongerOneDoesNot() {
    RunClock clock = clock(seconds(100), NEVER);
    time.passSeconds(10);
    clock.shorten(Duration.ofSeconds(91));
    assertEquals(60_000, clock.millisecondsLeft());
    clock.shorten(Duration.ofSeconds(30));
    time.passSeconds(20);
    clock.shorten(Duration.ofSeconds(30)); // said again, it does not begin again
    assertEquals(10_000, clock.millisecondsLeft());
    time.passSeconds(10);
    assertTrue(clock.isOver());
  }

  @Test
  void aRunWithoutLimitGetsOne() {
    RunClock clock = clock(NEVER, NEVER);
    time.pass(Duration.ofDays(1000));
    clock.shorten(Duration.ofSeconds(2));
    assertEquals(2_000, clock.millisecondsLeft());
    time.passSeconds(2);
    assertTrue(clock.isOver());
    assertEquals("the time that was left", clock.limitText());
  }

  @Test
  void silenceIsNotCountedWhileAReaderIsWaitedFor() {
    RunClock clock = clock(seconds(10_000), seconds(30));
    time.passSeconds(29);
    clock.hold();
    clock.hold();
    time.passSeconds(1000);
    assertFalse(clock.isStalled());
    assertEquals(60_000, clock.millisecondsLeft());
    clock.release();
    time.passSeconds(1000);
    assertFalse(clock.isStalled(), "the other one still waits");
    clock.release();
    assertEquals(30_000, clock.millisecondsLeft());
    time.passSeconds(30);
    assertTrue(clock.isStalled());
    clock.hold();
    time.passSeconds(10_000);
    assertTrue(clock.isOver(), "the limit counts all the same");
  }

  @Test
  void sayWhatWasAskedFor() {
    RunClock clock =
        clock(Optional.of(Duration.ofMillis(1500)), Optional.of(Duration.ofSeconds(30)));
    assertEquals("1.5 s", clock.limitText());
    assertEquals("30.0 s", clock.stallText());
  }

  @Test
  void aPauseOfTheHostIsNoSilence() {
    RunClock clock = clock(NEVER, seconds(30));
    time.passSeconds(40);
    assertTrue(clock.isStalled());
    clock.excuse(Duration.ZERO);
    assertTrue(clock.isStalled());
    clock.excuse(Duration.ofSeconds(35));
    assertFalse(clock.isStalled());
    assertEquals(25_000, clock.millisecondsLeft());
    clock.excuse(Duration.ofDays(1)); // more than there was to excuse
    assertEquals(30_000, clock.millisecondsLeft());
    time.passSeconds(30);
    assertTrue(clock.isStalled());
  }
}
