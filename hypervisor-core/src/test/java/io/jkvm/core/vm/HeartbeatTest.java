// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class HeartbeatTest {
  private static final long SECOND = 1_000_000_000;

  /** The largest sum overflows: the clock's zero is anywhere. */
  private static final long START = Long.MAX_VALUE - 5 * SECOND;

  private final Heartbeat heartbeat = new Heartbeat(START);
  private final Heartbeat.Listener listener = heartbeat.listener();

  @Test
  void aRegularBeatIsNoStop() {
    for (long now = START; now - START < 60 * SECOND; now += SECOND + SECOND / 2) {
      assertFalse(heartbeat.beat(now));
      assertFalse(listener.missed(now));
      assertFalse(listener.missed(now + SECOND));
    }
  }

  /** A machine that is made long before it is started has not stood still. */
  @Test
  void timeBeforeTheBeginningIsNoStop() {
    long begin = START + 10 * SECOND;
    heartbeat.begin(begin);
    assertFalse(listener.missed(begin + 1));
    assertFalse(heartbeat.beat(begin + SECOND));
    assertFalse(listener.missed(begin + SECOND));
  }

  @Test
  void aListenerThatRunsFirstAfterAStopNoticesOnce() {
    long now = START + 10 * SECOND;
    assertTrue(listener.missed(now));
    assertFalse(listener.missed(now + 1));
  }

  /** The beat then looks as if nothing had been. */
  @Test
  void aListenerThatRunsAfterTheBeatNoticesOnce() {
    long now = START + 10 * SECOND;
    assertTrue(heartbeat.beat(now));
    assertTrue(listener.missed(now + 1));
    assertFalse(listener.missed(now + 2));
    assertFalse(heartbeat.beat(now + SECOND));
    assertFalse(listener.missed(now + SECOND));
  }

  /** Each of several threads. */
  @Test
  void everyListenerNotices() {
    Heartbeat.Listener other = heartbeat.listener();
    assertTrue(heartbeat.beat(START + 10 * SECOND));
    assertTrue(listener.missed(START + 10 * SECOND));
    assertTrue(other.missed(START + 10 * SECOND));
  }

  /** A look at each exit must not tell the guest each time. */
  @Test
  void withoutBeatsALateListenerNoticesNowAndThen() {
    int noticed = 0;
    for (long now = START; now - START < 60 * SECOND; now += SECOND / 10) {
      noticed += listener.missed(now) ? 1 : 0;
    }
    assertTrue(noticed >= 28 && noticed <= 30, noticed + " times in a minute");
  }
}
