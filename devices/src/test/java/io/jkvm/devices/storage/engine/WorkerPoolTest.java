// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class WorkerPoolTest {
  private final Semaphore shared = new Semaphore(2);
  private final Completions home = new Completions();

  private WorkerPool pool(RecordingBackend backend) {
    return new WorkerPool("test io", backend, new Flushes(backend, false), shared, 8);
  }

  private DiskRequest read(int index) {
    DiskRequest request = new DiskRequest(index, new IoVector(1));
    request.home = home;
    request.read(512L * index);
    request.data().add(0x1000, 512);
    request.submitted();
    return request;
  }

  @Test
  void aDiskThatHangsTakesNoOtherDisksLastThread() throws Exception {
    RecordingBackend hanging = new RecordingBackend(1 << 20, false);
    RecordingBackend healthy = new RecordingBackend(1 << 20, false);
    CountDownLatch gate = new CountDownLatch(1);
    hanging.gate(gate);
    WorkerPool first = pool(hanging);
    WorkerPool second = pool(healthy);
    for (int i = 0; i < 6; i++) {
      assertTrue(first.execute(read(i)));
    }
    assertTrue(MmioDriver.await(() -> shared.availablePermits() == 0));
    assertTrue(second.execute(read(7)));
    assertTrue(MmioDriver.await(() -> home.take() != null));
    assertEquals(1, healthy.calls().size());
    gate.countDown();
    for (int i = 0; i < 6; i++) {
      assertTrue(MmioDriver.await(() -> home.take() != null));
    }
    first.close();
    second.close();
    assertTrue(MmioDriver.await(() -> shared.availablePermits() == 2), "given back");
  }

  @Test
  void whatNoThreadHasBegunIsDropped() throws Exception {
    RecordingBackend backend = new RecordingBackend(1 << 20, false);
    CountDownLatch gate = new CountDownLatch(1);
    backend.gate(gate);
    WorkerPool pool = pool(backend);
    RequestSlots slots = RequestSlots.several(8);
    for (int i = 0; i < 8; i++) {
      DiskRequest request = slots.acquire();
      request.home = home;
      request.read(0);
      request.submitted();
      assertTrue(pool.execute(request));
    }
    // Three threads take one each: the queue's own and two shared ones.
    assertTrue(
        MmioDriver.await(
            () ->
                Thread.getAllStackTraces().entrySet().stream()
                        .filter(e -> e.getKey().getName().equals("test io"))
                        .filter(
                            e ->
                                java.util.Arrays.stream(e.getValue())
                                    .anyMatch(frame -> frame.getMethodName().equals("note")))
                        .count()
                    == 3));
    pool.dropUnstarted(slots);
    assertEquals(3, slots.inUse());
    gate.countDown();
    for (int i = 0; i < 3; i++) {
      assertTrue(MmioDriver.await(() -> home.take() != null));
    }
    assertEquals(3, backend.calls().size());
    pool.close();
    slots.close();
  }

  @Test
  void whateverABackendThrowsIsTheRequestsFailure() throws Exception {
    RecordingBackend backend = new RecordingBackend(1 << 20, false);
    WorkerPool pool = pool(backend);
    backend.fail(new IllegalStateException("a mistake"));
    DiskRequest[] taken = new DiskRequest[1];
    for (int i = 0; i < 3; i++) {
      assertTrue(pool.execute(read(i)));
      assertTrue(MmioDriver.await(() -> (taken[0] = home.take()) != null));
      assertNotNull(taken[0].failure());
    }
    pool.close();
  }

  @Test
  void aClosedOneTakesNothing() throws Exception {
    WorkerPool pool = pool(new RecordingBackend(1 << 20, false));
    pool.close();
    assertFalse(pool.execute(read(0)));
    assertNull(home.take());
  }
}
