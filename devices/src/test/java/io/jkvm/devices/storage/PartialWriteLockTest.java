// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.testing.MmioDriver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class PartialWriteLockTest {
  private final PartialWriteLock lock = new PartialWriteLock();

  private static Thread started(Runnable body) {
    Thread thread = new Thread(body);
    thread.start();
    return thread;
  }

  private static void awaitWaiting(Thread thread) throws Exception {
    assertTrue(MmioDriver.await(() -> thread.getState() == Thread.State.WAITING));
  }

  @Test
  void sharesAreManyAndNoneWaits() {
    assertTrue(lock.tryShare());
    assertTrue(lock.tryShare());
    lock.share();
    for (int i = 0; i < 3; i++) {
      lock.unshare();
    }
    lock.exclude();
    assertFalse(lock.tryShare());
    lock.readmit();
    assertTrue(lock.tryShare());
  }

  @Test
  void firstComeFirstServed() throws Exception {
    List<String> order = new ArrayList<>();
    assertTrue(lock.tryShare());
    Thread partial =
        started(
            () -> {
              lock.exclude();
              order.add("partial");
              lock.readmit();
            });
    awaitWaiting(partial);
    assertFalse(lock.tryShare(), "would keep the other out");
    Thread whole =
        started(
            () -> {
              lock.share();
              order.add("whole");
              lock.unshare();
            });
    awaitWaiting(whole);
    Thread second =
        started(
            () -> {
              lock.exclude();
              order.add("second");
              lock.readmit();
            });
    awaitWaiting(second);
    lock.unshare();
    partial.join();
    whole.join();
    second.join();
    assertEquals(List.of("partial", "whole", "second"), order);
    assertTrue(lock.tryShare());
  }

  @Test
  void anInterruptIsKeptAndEndsNothing() throws Exception {
    assertTrue(lock.tryShare());
    boolean[] seen = new boolean[2];
    Thread partial =
        started(
            () -> {
              lock.exclude();
              seen[0] = true;
              seen[1] = Thread.currentThread().isInterrupted();
              lock.readmit();
            });
    awaitWaiting(partial);
    partial.interrupt();
    assertTrue(MmioDriver.await(() -> !partial.isInterrupted()), "taken note of");
    awaitWaiting(partial);
    assertFalse(seen[0]);
    lock.unshare();
    partial.join();
    assertTrue(seen[0] && seen[1]);
  }

  @Test
  void aPartialWriteIsAlone() throws Exception {
    AtomicInteger whole = new AtomicInteger();
    AtomicInteger partial = new AtomicInteger();
    AtomicInteger wrong = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 6; t++) {
      int kind = t % 3;
      threads.add(
          started(
              () -> {
                for (int i = 0; i < 3000; i++) {
                  if (kind == 0) {
                    lock.exclude();
                    boolean alone = partial.incrementAndGet() == 1 && whole.get() == 0;
                    wrong.addAndGet(alone ? 0 : 1);
                    partial.decrementAndGet();
                    lock.readmit();
                  } else {
                    if (kind == 1 || !lock.tryShare()) {
                      lock.share();
                    }
                    whole.incrementAndGet();
                    wrong.addAndGet(partial.get());
                    whole.decrementAndGet();
                    lock.unshare();
                  }
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(0, wrong.get());
    assertTrue(lock.tryShare());
  }
}
