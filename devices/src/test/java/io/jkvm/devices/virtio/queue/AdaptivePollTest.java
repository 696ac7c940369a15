// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** When a thread looks for work, by a clock of the test's own. */
class AdaptivePollTest {
  private static final long GLANCE = 500;

  private final AtomicBoolean busy = new AtomicBoolean();
  private long now = 1;
  private long step = GLANCE;
  private int glances;
  private final AdaptivePoll poll = AdaptivePoll.of(() -> now, busy::get);

  /** Finds something when it has looked for so long. */
  private BooleanSupplier after(long nanoseconds) {
    long end = now + nanoseconds;
    return () -> {
      glances++;
      now += step;
      return now >= end;
    };
  }

  private void waited(long nanoseconds) {
    long from = now;
    now += nanoseconds;
    poll.waited(from, now);
  }

  private void grow() {
    for (int i = 0; i < 10; i++) {
      waited(20_000);
    }
    assertEquals(50_000, poll.nanoseconds());
  }

  @Test
  void growsWhileWorkComesSoonAndShrinksToNothingWhileItDoesNot() {
    assertFalse(poll.look(after(0)), "nothing is known yet");
    assertEquals(0, glances);
    waited(20_000);
    assertEquals(4_000, poll.nanoseconds());
    waited(20_000);
    assertEquals(8_000, poll.nanoseconds());
    grow();
    for (int i = 0; i < 4; i++) {
      waited(1_000_000);
    }
    assertEquals(0, poll.nanoseconds());
    assertFalse(poll.look(after(0)));
    assertEquals(0, glances);
  }

  @Test
  void looksNoLongerThanItIsWorth() {
    grow();
    assertTrue(poll.look(after(40_000)));
    long start = now;
    assertFalse(poll.look(after(1_000_000)));
    assertTrue(now - start <= 51_000, "" + (now - start));
  }

  @Test
  void offItsProcessorItDoesNotPay() {
    grow();
    step = 25_000;
    assertFalse(poll.look(after(1_000_000)));
    assertEquals(0, poll.nanoseconds());
    step = GLANCE;
    for (int i = 0; i < 64; i++) {
      waited(10_000);
      assertFalse(poll.look(after(0)));
    }
    waited(10_000);
    assertTrue(poll.look(after(1_000)));
  }

  @Test
  void whereAllProcessorsAreBusyNothingIsLookedFor() {
    grow();
    busy.set(true);
    now += 20_000_000;
    glances = 0;
    assertFalse(poll.look(after(0)));
    assertEquals(0, glances);
    busy.set(false);
    assertFalse(poll.look(after(0)), "asked for again after a while only");
    now += 20_000_000;
    assertTrue(poll.look(after(1_000)));
  }

  @Test
  void canBeOff() {
    AdaptivePoll off = AdaptivePoll.off();
    for (int i = 0; i < 10; i++) {
      off.waited(0, 1000);
      assertFalse(off.look(() -> true));
    }
  }

  @Test
  void costsNoGarbage() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    AdaptivePoll real = AdaptivePoll.whereItPays();
    BooleanSupplier never = () -> false;
    long before = 0;
    for (int i = 0; i < 40_000; i++) {
      if (i == 20_000) {
        before = threads.getCurrentThreadAllocatedBytes();
      }
      long from = real.now();
      real.look(never);
      real.waited(from, from + 1000);
    }
    assertEquals(0, (threads.getCurrentThreadAllocatedBytes() - before) / 20_000);
  }
}
