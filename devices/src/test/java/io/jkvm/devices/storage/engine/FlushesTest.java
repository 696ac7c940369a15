// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which flush covers what, and what a failure means for those after it. */
@Timeout(120)
class FlushesTest {
  private final RecordingBackend backend = new RecordingBackend(1 << 20, false);
  private final Flushes flushes = new Flushes(backend, false);
  private final WorkerPool pool = pool(backend, flushes);
  private final Completions home = new Completions();
  private final List<DiskRequest> made = new ArrayList<>();

  private static WorkerPool pool(BlockBackend backend, Flushes flushes) {
    return new WorkerPool("test io", backend, flushes, new Semaphore(8), 8);
  }

  @AfterEach
  void close() throws Exception {
    pool.close();
  }

  private DiskRequest flush() {
    return flush(home);
  }

  private DiskRequest flush(Completions itsHome) {
    DiskRequest request = new DiskRequest(made.size(), new IoVector(1));
    made.add(request);
    request.home = itsHome;
    request.flush();
    return request;
  }

  private List<DiskRequest> take(int count) throws Exception {
    List<DiskRequest> taken = new ArrayList<>();
    assertTrue(
        MmioDriver.await(
            () -> {
              for (DiskRequest r = home.take(); r != null; r = home.take()) {
                taken.add(r);
              }
              return taken.size() >= count;
            }));
    assertEquals(count, taken.size());
    return taken;
  }

  @Test
  void thoseThatComeWhileOneRunsShareTheNext() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    backend.gate(gate);
    flushes.submit(flush(), pool);
    assertTrue(MmioDriver.await(backend::entered));
    for (int i = 0; i < 5; i++) {
      flushes.submit(flush(), pool);
    }
    assertNull(home.take());
    gate.countDown();
    take(6).forEach(request -> assertNull(request.failure()));
    assertEquals(List.of("flush", "flush"), backend.calls());
    flushes.submit(flush(), pool);
    take(1);
    assertEquals(3, backend.calls().size());
  }

  @Test
  void afterAFailureEveryFlushFails() throws Exception {
    backend.fail(new IOException("EIO"));
    flushes.submit(flush(), pool);
    assertEquals("EIO", take(1).get(0).failure().getMessage());
    backend.fail((IOException) null);
    for (int i = 0; i < 3; i++) {
      flushes.submit(flush(), pool);
      String message = take(1).get(0).failure().getMessage();
      assertTrue(message.contains("a flush failed before, data may be lost"), message);
    }
    DiskRequest direct = flush();
    flushes.carryOut(direct);
    assertNotNull(direct.failure());
    assertThrows(IOException.class, flushes::flushNow);
    assertEquals(1, backend.calls().size());
  }

  @Test
  void thoseThatWaitForOneThatFailsFailToo() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    backend.gate(gate);
    backend.fail(new IllegalStateException("a mistake"));
    flushes.submit(flush(), pool);
    assertTrue(MmioDriver.await(backend::entered));
    flushes.submit(flush(), pool);
    gate.countDown();
    take(2).forEach(request -> assertNotNull(request.failure()));
  }

  @Test
  void oneThatIsIgnoredIsFinishedAtOnce() throws Exception {
    Flushes none = new Flushes(backend, true);
    DiskRequest request = flush();
    assertTrue(none.submit(request, pool));
    none.carryOut(request);
    assertNull(request.failure());
    assertEquals(List.of(), backend.calls());
  }

  @Test
  void whatWaitsIsDroppedForItsOwnQueueAlone() throws Exception {
    RequestSlots slots = RequestSlots.several(4);
    Completions other = new Completions();
    CountDownLatch gate = new CountDownLatch(1);
    backend.gate(gate);
    flushes.submit(flush(other), pool);
    assertTrue(MmioDriver.await(backend::entered));
    DiskRequest dropped = slots.acquire();
    dropped.home = home;
    dropped.flush();
    flushes.submit(dropped, pool);
    flushes.submit(flush(other), pool);
    flushes.dropWaiting(home, slots);
    assertEquals(0, slots.inUse());
    gate.countDown();
    assertTrue(MmioDriver.await(() -> other.take() != null));
    assertTrue(MmioDriver.await(() -> other.take() != null));
    assertNull(home.take());
    slots.close();
  }
}
