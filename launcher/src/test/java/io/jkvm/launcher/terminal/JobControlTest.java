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

  /**
   * Continues until it is over: what comes before the stop has said that it stands is none of its.
   */
  private void endByContinue(Thread stop) throws InterruptedException {
    assertNull(events.peek(), "it goes on by itself");
    while (stop.isAlive()) {
      control.continued();
      stop.join(10);
    }
    assertEquals(1, events.stream().filter("resume"::equals).count(), events::toString);
    events.clear();
  }

  /** However soon or late a stop is handled, it is the continue behind it that ends it. */
  @Test
  void aStopLastsUntilTheNextContinue() throws Exception {
    control.continued();
    assertEquals("continued", events.take());
    for (int i = 0; i < 100; i++) {
      endByContinue(suspend());
    }
  }

  @Test
  void oneStopIsEnoughForAllThatAskMeanwhile() throws Exception {
    Thread stop = suspend();
    control.suspend();
    endByContinue(stop);
  }

  /** A signal that is to end the process, whose stopper may have ended itself. */
  @Test
  void aStopIsEndedFromInside() throws Exception {
    Thread stop = suspend();
    control.goOn();
    assertEquals("resume", events.take());
    stop.join();
    control.suspend(); // none lasts any more
    assertEquals(2, events.size(), events::toString);
  }
}
