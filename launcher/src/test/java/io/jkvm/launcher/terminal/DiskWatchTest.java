// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.DiskSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class DiskWatchTest {
  private final BlockingQueue<Integer> looks = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> failures = new LinkedBlockingQueue<>();
  private volatile Thread thread;
  private volatile MachineException failure;
  private DiskWatch watch = new DiskWatch(List.of(), disk -> {}, text -> {}, 1);

  private void rescan(int disk) {
    thread = Thread.currentThread();
    looks.add(disk);
    if (disk == 1 && failure != null) {
      throw failure;
    }
  }

  private void start(long periodMilliseconds, Integer... disks) {
    watch = new DiskWatch(List.of(disks), this::rescan, failures::add, periodMilliseconds);
    watch.start();
  }

  @AfterEach
  void close() throws InterruptedException {
    watch.close();
    await(() -> watcher() == null);
  }

  private int nextLook() throws InterruptedException {
    return looks.poll(120, TimeUnit.SECONDS);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(1);
    }
  }

  @Test
  void looksAtAllInTurnUntilItIsClosed() throws Exception {
    start(1, 1, 3);
    for (int i = 0; i < 10; i++) {
      assertEquals(1, nextLook());
      assertEquals(3, nextLook());
    }
    assertTrue(thread.isDaemon());
    watch.close();
    thread.join();
    assertTrue(failures.isEmpty());
  }

  /** The period is one that the test would not survive. */
  @Test
  void aCloseEndsTheWait() throws Exception {
    start(3_600_000, 1);
    await(() -> watcher() != null);
    Thread sleeping = watcher();
    watch.close();
    sleeping.join();
    assertTrue(looks.isEmpty());
  }

  private static Thread watcher() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(candidate -> candidate.getName().equals("disk sizes"))
        .findFirst()
        .orElse(null);
  }

  @Test
  void aDiskThatFailsIsToldOfOnceAndTheOthersGoOn() throws Exception {
    failure = new MachineException(Problem.DISK_UNMEASURABLE, "disk d: can't be measured");
    start(1, 1, 3);
    assertEquals(1, nextLook());
    for (int i = 0; i < 10; i++) {
      assertEquals(3, nextLook());
    }
    assertEquals(1, failures.size());
    assertTrue(failures.remove().startsWith("disk d: can't be measured; "));
  }

  @Test
  void itEndsWithTheMachine() throws Exception {
    failure = new MachineException(Problem.STATE, "can't rescan a disk of vm: it is closed");
    start(1, 1);
    assertEquals(1, nextLook());
    thread.join();
    assertTrue(failures.isEmpty());
  }

  @Test
  void whatTheGuestCanWriteAndTheHostCanMeasureIsWatched() {
    DiskSpec image = DiskSpec.raw(Path.of("a.img"));
    DiskSpec own =
        DiskSpec.custom(
            "own",
            () -> {
              throw new IOException("not opened");
            });
    assertEquals(List.of(1, 3), DiskWatch.watched(List.of(own, image, image.asReadOnly(), image)));
  }
}
