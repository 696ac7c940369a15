// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whose parent, which is to stop and continue the process, is one that does neither. */
@Timeout(300)
class JobControlTest {
  /** Not the id of this process' parent, so nobody gets a signal. */
  private static final int NOBODY = -1;

  private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
  private final JobControl control =
      new JobControl(
          new JobControl.Job() {
            @Override
            public void pause() {
              events.add("pause");
            }

            @Override
            public void resume() {
              events.add("resume");
            }

            @Override
            public void continued() {
              events.add("continued");
            }
          },
          Optional.of(NOBODY));

  private Thread suspend() throws InterruptedException {
    Thread thread = new Thread(control::suspend, "test-suspend");
    thread.setDaemon(true);
    thread.start();
    assertEquals("pause", events.take());
    return thread;
  }

  private static void awaitWaiting(Thread thread) {
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
  }

  /** However soon or late a stop is handled, it is the continue behind it that ends it. */
  @Test
  void aStopLastsUntilTheNextContinue() throws Exception {
    control.continued();
    assertEquals("continued", events.take());
    for (int i = 0; i < 100; i++) {
      Thread stop = suspend();
      awaitWaiting(stop);
      assertNull(events.peek());
      control.continued();
      stop.join();
      assertEquals(2, events.size(), events::toString);
      events.clear();
    }
  }

  @Test
  void oneStopIsEnoughForAllThatAskMeanwhile() throws Exception {
    Thread stop = suspend();
    control.suspend();
    assertNull(events.peek());
    control.continued();
    stop.join();
    assertEquals(2, events.size(), events::toString);
  }

  /** A signal that is to end the process, whose stopper may have ended itself. */
  @Test
  void aStopIsEndedFromInside() throws Exception {
    control.goOn();
    Thread stop = suspend();
    control.goOn();
    assertEquals("resume", events.take());
    stop.join();
  }
}
