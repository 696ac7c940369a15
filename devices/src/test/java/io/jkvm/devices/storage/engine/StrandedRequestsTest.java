// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.devices.storage.DirectImages;
import io.jkvm.devices.storage.RawImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A host that gives no thread, and requests that need one. */
@Timeout(120)
class StrandedRequestsTest {
  private static final int BLOCK = 4096;

  @TempDir Path folder;

  private final FakeRing ring = new FakeRing();
  private final NativeMemory data = NativeMemory.aligned(2 * BLOCK, BLOCK);
  private final EventFd wakeup = new EventFd();
  private Path path;
  private RawImage image;
  private FileEngine engine;

  StrandedRequestsTest() throws Exception {}

  @BeforeEach
  void open() throws Exception {
    path = Files.write(folder.resolve("disk.img"), new byte[4 * BLOCK]);
    image = DirectImages.open(path, false, BLOCK);
    Flushes flushes = new Flushes(image, false);
    WorkerPool pool = new WorkerPool("test io", image, flushes, new Semaphore(0), 0);
    engine = new FileEngine(image, RequestSlots.several(4), flushes, pool, ring);
    engine.attach(wakeup);
  }

  @AfterEach
  void close() {
    if (engine != null) {
      engine.detach();
      engine.close();
      image.close();
    }
    wakeup.close();
  }

  private DiskRequest write(int offset, int bytes, int value) {
    DiskRequest request = engine.acquire();
    request.write(offset);
    for (int i = 0; i < bytes; i++) {
      data.buffer().put(offset % (2 * BLOCK) + i, (byte) value);
    }
    request.data().add(data.address() + offset % (2 * BLOCK), bytes);
    assertFalse(engine.submit(request));
    engine.start();
    return request;
  }

  private void release(DiskRequest request) {
    assertNull(request.failure());
    engine.release(request);
  }

  /** What is in the ring excludes a partial write, which this thread would wait for in vain. */
  @Test
  void theyWaitUntilTheRingIsEmpty() throws Exception {
    DiskRequest inRing = write(0, BLOCK, 1);
    assertEquals(List.of("write 0 x1"), ring.takeCalls());
    DiskRequest partial = write(BLOCK, 512, 2);
    DiskRequest wholeBlock = write(2 * BLOCK, BLOCK, 3); // not by the ring, so that it gets empty
    assertEquals(List.of(), ring.takeCalls());
    assertNull(engine.complete());
    assertFalse(engine.mayNotSleep(), "the ring wakes it");
    ring.complete(inRing, BLOCK);
    assertTrue(engine.hasCompleted());
    assertSame(inRing, engine.complete());
    assertTrue(engine.hasCompleted());
    release(inRing);
    DiskRequest first = engine.complete();
    DiskRequest second = engine.complete();
    assertTrue(
        first == partial && second == wholeBlock || first == wholeBlock && second == partial);
    release(first);
    release(second);
    assertNull(engine.complete());
    assertFalse(engine.hasCompleted());
    byte[] file = Files.readAllBytes(path);
    assertEquals(0, file[0], "the ring is none");
    assertEquals(2, file[BLOCK]);
    assertEquals(2, file[BLOCK + 511]);
    assertEquals(0, file[BLOCK + 512]);
    assertEquals(3, file[2 * BLOCK]);
    DiskRequest again = write(0, BLOCK, 4);
    assertEquals(List.of("write 0 x1"), ring.takeCalls());
    ring.complete(again, BLOCK);
    release(engine.complete());
  }

  @Test
  void theyAreDroppedAsLongAsTheyWait() throws Exception {
    DiskRequest inRing = write(0, BLOCK, 1);
    write(BLOCK, 512, 2);
    write(BLOCK + 512, 512, 2);
    assertEquals(3, engine.inFlight());
    engine.dropUnstarted();
    assertEquals(1, engine.inFlight());
    ring.complete(inRing, BLOCK);
    release(engine.complete());
    assertNull(engine.complete());
    assertEquals(0, Files.readAllBytes(path)[BLOCK]);
  }
}
