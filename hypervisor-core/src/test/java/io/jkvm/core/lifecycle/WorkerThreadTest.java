// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WorkerThreadTest {
  private final CountDownLatch end = new CountDownLatch(1);

  private WorkerThread waiting() {
    return new WorkerThread(
        "vm/part",
        () -> {
          try {
            end.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void hasItsNameAndDoesNotKeepTheProcessAlive() {
    AtomicReference<Thread> seen = new AtomicReference<>();
    WorkerThread worker =
        new WorkerThread("vm/part", () -> seen.set(Thread.currentThread())).start();
    assertTrue(worker.join());
    assertEquals("vm/part", seen.get().getName());
    assertTrue(seen.get().isDaemon());
    assertFalse(worker.isCurrent());
  }

  @Test
  void joinSaysWhetherItEnded() {
    WorkerThread worker = waiting();
    assertTrue(worker.join(0), "never started");
    worker.start();
    assertTrue(worker.isAlive());
    assertFalse(worker.join(0));
    assertFalse(worker.join(20));
    end.countDown();
    assertTrue(worker.join(20_000));
    assertFalse(worker.isAlive());
  }

  @Test
  void anInterruptIsRememberedAndTheWaitGoesOn() {
    WorkerThread worker = waiting().start();
    Thread.currentThread().interrupt();
    long start = System.nanoTime();
    assertFalse(worker.join(50));
    assertTrue(System.nanoTime() - start >= 49_000_000);
    assertTrue(Thread.interrupted());
    end.countDown();
    Thread.currentThread().interrupt();
    assertTrue(worker.join());
    assertTrue(Thread.interrupted());
  }

  @Test
  void aWorkerDoesNotWaitForItself() throws InterruptedException {
    AtomicReference<WorkerThread> self = new AtomicReference<>();
    AtomicReference<Boolean> joined = new AtomicReference<>();
    CountDownLatch done = new CountDownLatch(1);
    self.set(
        new WorkerThread(
            "self",
            () -> {
              joined.set(self.get().isCurrent() && self.get().join());
              done.countDown();
            }));
    self.get().start();
    assertTrue(done.await(120, TimeUnit.SECONDS));
    assertFalse(joined.get());
  }

  @Test
  void runsOnce() {
    WorkerThread worker = new WorkerThread("once", () -> {}).start();
    assertTrue(worker.join());
    assertThrows(IllegalThreadStateException.class, worker::start);
  }
}
