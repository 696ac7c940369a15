// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class HostPausesTest {
  private static final long SECOND = 1_000_000_000;

  private long monotonic = Long.MAX_VALUE - SECOND; // it may begin anywhere, and go over the end
  private long wall = 1_700_000_000 * SECOND;
  private final HostPauses pauses = new HostPauses(() -> monotonic, () -> wall);

  private HostPauses.Look after(double monotonicSeconds, double wallSeconds) {
    monotonic += (long) (monotonicSeconds * SECOND);
    wall += (long) (wallSeconds * SECOND);
    return pauses.look();
  }

  private static HostPauses.Look late(long seconds, boolean clockWasSet) {
    return new HostPauses.Look(Duration.ofSeconds(seconds), clockWasSet);
  }

  @Test
  void looksInTimeAreNoPause() {
    for (int i = 0; i < 100; i++) {
      assertEquals(late(0, false), after(1, 1));
      assertEquals(late(0, false), after(0.001, 0));
      assertEquals(late(0, false), after(1.9, 2.1)); // a busy host, and NTP
    }
  }

  /** SIGSTOP, a frozen control group, a load: both clocks run on, and so do a guest's. */
  @Test
  void aStoppedProcess() {
    assertEquals(late(10, false), after(11, 11));
    assertEquals(late(0, false), after(1, 1));
  }

  /** The monotonic clock stands still with the host. */
  @Test
  void aSuspendedHost() {
    assertEquals(late(0, true), after(1, 8 * 3600 + 1));
    assertEquals(late(0, false), after(1, 1));
  }

  @Test
  void bothAtOnce() {
    assertEquals(late(10, true), after(11, 61));
  }

  @Test
  void aClockThatIsSetBack() {
    assertEquals(late(0, true), after(1, -3599));
  }
}
