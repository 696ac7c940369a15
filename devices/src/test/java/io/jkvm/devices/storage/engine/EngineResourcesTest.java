// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What engines take of the host, and of the heap for each request. */
@Timeout(300)
class EngineResourcesTest extends EngineFixture {
  private static final int MEASURED = 2000;

  private enum Load {
    WARM_READS,
    COLD_READS,
    WRITES,
    FLUSHES
  }

  @ParameterizedTest
  @EnumSource
  void aRequestCostsNoGarbage(Kind kind) throws Exception {
    open(kind);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (Load load : Load.values()) {
      if (load == Load.COLD_READS) {
        makeCold();
      }
      for (int i = 0; i < MEASURED; i++) {
        one(load, i);
      }
      if (load == Load.COLD_READS) {
        makeCold();
      }
      Map<Long, Long> before = allocatedByEngine();
      long beforeHere = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < MEASURED; i++) {
        one(load, i);
      }
      long allocated = threads.getCurrentThreadAllocatedBytes() - beforeHere;
      // A thread that is begun meanwhile costs some hundred bytes, once.
      assertEquals(0, allocated / MEASURED, load + ": " + allocated + " bytes for " + MEASURED);
      allocatedByEngine()
          .forEach(
              (thread, now) -> {
                long there = Math.max(0, now - before.getOrDefault(thread, now)); // -1 once ended
                assertEquals(0, there / MEASURED, load + ": " + there + " bytes on its threads");
              });
    }
  }

  /** What the threads that carry requests out have allocated, by their numbers. */
  private static Map<Long, Long> allocatedByEngine() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Map<Long, Long> bytes = new HashMap<>();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (isEngineThread(thread)) {
        bytes.put(thread.getId(), threads.getThreadAllocatedBytes(thread.getId()));
      }
    }
    return bytes;
  }

  private static boolean isEngineThread(Thread thread) {
    return thread.getName().equals("test io");
  }

  private void one(Load load, int i) {
    int block = i * 37 % (BLOCKS - 8);
    DiskRequest request =
        switch (load) {
          case WARM_READS, COLD_READS -> read(block, 1, 0);
          case WRITES -> write(block, 1, 0);
          case FLUSHES -> engine.acquire();
        };
    if (load == Load.FLUSHES) {
      request.flush();
    }
    if (!engine.submit(request)) {
      engine.start();
      request = engine.complete();
      while (request == null) {
        if (!engine.mayNotSleep()) {
          wakeup.await(-1);
        }
        engine.awake();
        request = engine.complete();
      }
    }
    if (request.failure() != null) {
      throw new AssertionError(request.failure());
    }
    engine.release(request);
  }

  @ParameterizedTest
  @EnumSource(names = {"IO_URING", "THREADS"})
  void manyOpensLeaveNothing(Kind kind) throws Exception {
    DiskEngines engines = new DiskEngines(kind);
    cycle(engines);
    long descriptors = count("/proc/self/fd");
    long threads = engineThreads();
    long maps = maps();
    long locked = lockedKibibytes();
    for (int i = 0; i < opens(); i++) {
      cycle(engines);
    }
    // What tests before this one left to be closed later may be gone by now.
    assertTrue(count("/proc/self/fd") <= descriptors, "descriptors are left open");
    assertEquals(threads, engineThreads());
    assertTrue(maps() <= maps + 100, maps + " maps, then " + maps());
    assertEquals(locked, lockedKibibytes());
  }

  /** How often it is opened and closed. */
  int opens() {
    return 1000;
  }

  /** Opens file and engine, has requests under way of which some are dropped, drains, closes. */
  private void cycle(DiskEngines engines) throws Exception {
    image.close();
    image = openImage(false);
    makeCold();
    engine = engines.open(image, "test");
    engine.attach(wakeup);
    for (int i = 0; i < 16; i++) {
      DiskRequest request = read(i * 61 % BLOCKS, 1, i);
      if (engine.submit(request)) {
        engine.release(request);
      }
      if (i == 8) {
        engine.start();
      }
    }
    engine.dropUnstarted();
    while (engine.inFlight() > 0) {
      DiskRequest request = await();
      assertNull(request.failure());
      engine.release(request);
    }
    engine.detach();
    engine.close();
    engine.close();
    engine = null;
  }

  private static long count(String directory) throws IOException {
    try (var list = Files.list(Path.of(directory))) {
      return list.count();
    }
  }

  private static long maps() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines.count();
    }
  }

  /** Memory that the kernel can't move away, whoever has locked or pinned it: proc(5), status. */
  private static long lockedKibibytes() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/self/status"))) {
      return lines
          .filter(line -> line.startsWith("VmLck:") || line.startsWith("VmPin:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
          .sum();
    }
  }

  private static long engineThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(EngineResourcesTest::isEngineThread)
        .count();
  }

  @Test
  void anEngineWithRequestsUnderWayIsNotClosed() throws Exception {
    open(Kind.IO_URING);
    DiskRequest request = engine.acquire();
    assertThrows(IllegalStateException.class, engine::close);
    engine.release(request);
  }
}
