// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The limit by a clock that moves when it is told to; no disk, no thread. */
class RateLimitTest {
  private static final long SECOND = 1_000_000_000L;
  private static final int KIB = 1024;

  private final CountingClock clock = new CountingClock(0);
  private final List<String> woken = new ArrayList<>();

  private RateLimit.Turn turn(RateLimit limit, String name) {
    return limit.turn(() -> woken.add(name));
  }

  private RateLimit.Turn turn(long requests, long bytes) {
    return turn(new RateLimit(requests, bytes, clock), "only");
  }

  private static int taken(RateLimit.Turn turn, long bytes) {
    int taken = 0;
    while (taken < 1_000_000 && turn.take(bytes)) {
      taken++;
    }
    return taken;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 7, 1000, 999_983})
  void aFullBucketIsOneSecondsWorth(long rate) {
    RateLimit.Turn turn = turn(rate, 0);
    assertEquals(rate, taken(turn, 512));
    clock.advance(SECOND);
    assertEquals(rate, taken(turn, 512));
    clock.advance(3600 * SECOND);
    assertEquals(rate, taken(turn, 512), "an hour counts for a second");
    clock.advance(SECOND / 2);
    assertEquals(rate / 2, taken(turn, 512));
  }

  @Test
  void aRefusedRequestMayBeginWhenItsTimeIsOver() {
    RateLimit.Turn turn = turn(3, 0);
    assertEquals(3, taken(turn, 0));
    assertEquals(334, turn.timeoutMilliseconds());
    clock.advance(SECOND / 3 - 1);
    assertEquals(1, turn.timeoutMilliseconds());
    assertFalse(turn.take(0));
    clock.advance(1);
    assertEquals(0, turn.timeoutMilliseconds());
    assertTrue(turn.take(0));
    assertFalse(turn.take(0));
  }

  @Test
  void moreThanTheBucketHoldsWaitsForAllOfItAndIsPaidFor() {
    RateLimit.Turn turn = turn(1000, 512 * KIB);
    assertTrue(turn.take(1024 * KIB));
    assertFalse(turn.take(512));
    assertEquals(1001, turn.timeoutMilliseconds());
    clock.advance(SECOND);
    assertFalse(turn.take(512), "half of it is paid for");
    assertFalse(turn.take(1024 * KIB));
    assertEquals(1000, turn.timeoutMilliseconds());
    clock.advance(SECOND - 1);
    assertFalse(turn.take(1024 * KIB));
    clock.advance(1);
    assertTrue(turn.take(1024 * KIB));
  }

  @Test
  void bothLimitsHold() {
    RateLimit.Turn turn = turn(10, 4096);
    assertEquals(8, taken(turn, 512));
    clock.advance(SECOND);
    assertEquals(10, taken(turn, 0));
    clock.advance(SECOND / 10);
    assertEquals(1, taken(turn, 512));
  }

  @Test
  void withoutLimitsNothingIsCounted() {
    RateLimit.Turn turn = turn(0, 0);
    long before = clock.asked();
    assertEquals(1_000_000, taken(turn, 1L << 32));
    turn.leave();
    assertEquals(before, clock.asked());
  }

  @ParameterizedTest
  @CsvSource({"512, 4294967296", "1, 4294967296", "1099511627776, 4294967296", "1, 512"})
  void theLargestAndTheLeast(long rate, long bytes) {
    CountingClock late = new CountingClock(Long.MAX_VALUE - 5);
    RateLimit.Turn turn = new RateLimit(0, rate, late).turn(() -> {});
    assertTrue(turn.take(bytes));
    if (bytes >= rate) {
      assertFalse(turn.take(bytes));
      assertTrue(turn.timeoutMilliseconds() > 0);
      assertTrue(turn.timeoutMilliseconds() <= 3_600_000);
    }
    late.advance(SECOND);
    assertEquals(bytes <= rate, turn.take(512));
  }

  @Test
  void noLimitIsBelowNothingOrBeyondCounting() {
    assertThrows(IllegalArgumentException.class, () -> new RateLimit(-1, 0));
    assertThrows(IllegalArgumentException.class, () -> new RateLimit(0, -1));
    assertThrows(
        IllegalArgumentException.class, () -> new RateLimit(0, RateLimit.MAX_PER_SECOND + 1));
  }

  /** In no span of time is there more than a full bucket, what came, and a last request's debt. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void neverMoreThanTheRate(int seed) {
    Random random = new Random(seed);
    long requests = 1 + random.nextInt(50);
    long bytes = 512L * (1 + random.nextInt(1000));
    RateLimit.Turn turn = turn(requests, bytes);
    int count = 1000;
    long[] times = new long[count];
    long[] sizes = new long[count];
    for (int i = 0; i < count; i++) {
      sizes[i] = 512L * random.nextInt(i % 100 == 0 ? 4000 : 100);
      while (!turn.take(sizes[i])) {
        clock.advanceMilliseconds(turn.timeoutMilliseconds());
      }
      times[i] = clock.getAsLong();
      if (random.nextInt(10) == 0) {
        clock.advance(random.nextInt(2_000_000_000));
      }
    }
    for (int from = 0; from < count; from++) {
      long sum = 0;
      for (int to = from; to < count; to++) {
        double seconds = (times[to] - times[from]) / 1e9;
        assertTrue(sum <= bytes * (1 + seconds) + 1, "bytes");
        assertTrue(to - from <= requests * (1 + seconds) + 1e-6, "requests");
        sum += sizes[to];
      }
    }
  }

  @Test
  void queuesShareTheLimitAndTakeTurns() {
    RateLimit limit = new RateLimit(2, 0, clock);
    RateLimit.Turn a = turn(limit, "a");
    RateLimit.Turn b = turn(limit, "b");
    assertTrue(a.take(0));
    assertTrue(b.take(0));
    assertFalse(a.take(0));
    assertFalse(b.take(0));
    assertEquals(500, a.timeoutMilliseconds());
    assertEquals(-1, b.timeoutMilliseconds(), "until it is woken");
    clock.advance(SECOND / 2);
    assertFalse(b.take(0), "before its turn");
    assertEquals(List.of(), woken);
    assertTrue(a.take(0));
    assertEquals(List.of("b"), woken);
    assertFalse(a.take(0));
    assertEquals(500, b.timeoutMilliseconds());
    clock.advance(SECOND / 2);
    assertFalse(a.take(0));
    assertTrue(b.take(0));
    assertEquals(List.of("b", "a"), woken);
  }

  @Test
  void smallRequestsDoNotKeepALargeOneWaiting() {
    RateLimit limit = new RateLimit(0, 512 * KIB, clock);
    RateLimit.Turn large = turn(limit, "large");
    RateLimit.Turn small = turn(limit, "small");
    assertTrue(small.take(4 * KIB));
    assertFalse(large.take(1024 * KIB));
    for (int i = 0; i < 7; i++) {
      assertFalse(small.take(4 * KIB));
      clock.advanceMilliseconds(1);
    }
    clock.advanceMilliseconds(1);
    assertTrue(large.take(1024 * KIB));
    assertFalse(small.take(4 * KIB), "the debt is for all");
  }

  @Test
  void whereThereIsEnoughForAllNobodyWaitsForAnother() {
    RateLimit limit = new RateLimit(4, 0, clock);
    RateLimit.Turn a = turn(limit, "a");
    RateLimit.Turn b = turn(limit, "b");
    assertEquals(4, taken(a, 0));
    clock.advance(SECOND / 2);
    assertTrue(b.take(0), "there are two, of which one is kept for a");
    assertFalse(b.take(0));
    assertTrue(a.take(0));
    assertEquals(List.of("b"), woken);
  }

  @Test
  void whoLeavesIsInNobodysWay() {
    RateLimit limit = new RateLimit(1, 0, clock);
    List<RateLimit.Turn> turns = new ArrayList<>();
    for (String name : List.of("a", "b", "c", "d")) {
      turns.add(turn(limit, name));
    }
    assertTrue(turns.get(0).take(0));
    turns.forEach(turn -> assertFalse(turn.take(0)));
    turns.get(1).leave();
    turns.get(1).leave();
    assertEquals(List.of(), woken);
    turns.get(0).leave();
    assertEquals(List.of("c"), woken);
    turns.get(3).leave();
    assertFalse(turns.get(0).take(0));
    clock.advance(SECOND);
    assertFalse(turns.get(0).take(0));
    assertTrue(turns.get(2).take(0));
    assertEquals(List.of("c", "a"), woken);
    turns.get(0).leave();
    assertEquals(List.of("c", "a"), woken);
    clock.advance(SECOND);
    assertTrue(turns.get(3).take(0));
  }
}
