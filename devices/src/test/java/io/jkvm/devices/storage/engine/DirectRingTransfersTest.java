// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.devices.storage.DirectImages;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a ring may answer to direct I/O in blocks of 4 KiB, played by a ring that is none. */
@Timeout(120)
class DirectRingTransfersTest {
  private static final int BLOCK = 4096;
  private static final long ADDRESS = 0x10000;

  @TempDir Path folder;

  private final FakeRing ring = new FakeRing();
  private final RequestSlots slots = RequestSlots.several(4);
  private final List<DiskRequest> byThread = new ArrayList<>();
  private RawImage image;
  private RingTransfers transfers;

  DirectRingTransfersTest() throws Exception {}

  @BeforeEach
  void open() throws Exception {
    Path path = Files.write(folder.resolve("disk.img"), new byte[1 << 16]);
    image = DirectImages.open(path, false, BLOCK);
    transfers = new RingTransfers(ring, image, slots, new HitPredictor(), byThread::add);
  }

  @AfterEach
  void close() {
    slots.close();
    if (image != null) {
      image.close();
    }
  }

  private DiskRequest write(long offset, long address, long... lengths) {
    DiskRequest request = slots.acquire();
    request.write(offset);
    for (int i = 0; i < lengths.length; i++) {
      request.data().add(address + i * 0x10000, lengths[i]);
    }
    request.submitted();
    return request;
  }

  /** A write of one sector, by a call: returns only when no write is in the ring. */
  private Thread partialWrite() {
    NativeMemory data = new NativeMemory(512);
    IoVector vector = new IoVector(1);
    vector.add(data.address(), 512);
    Thread thread =
        new Thread(
            () -> {
              try {
                image.write(vector, 512);
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
              data.buffer().clear(); // and keeps it
            });
    thread.start();
    return thread;
  }

  private void assertNothingIsLocked() throws Exception {
    partialWrite().join();
  }

  @Test
  void shortWritesAreAddedUp() throws Exception {
    DiskRequest request = write(BLOCK, ADDRESS, 2 * BLOCK, 3 * BLOCK);
    assertTrue(transfers.submit(request));
    assertFalse(transfers.isIdle());
    transfers.start();
    assertEquals(List.of("write 4096 x2"), ring.takeCalls());
    ring.complete(request, BLOCK);
    assertNull(transfers.complete());
    assertEquals(List.of("write 8192 x2"), ring.takeCalls());
    ring.complete(request, 2 * BLOCK);
    assertNull(transfers.complete());
    assertEquals(List.of("write 16384 x1"), ring.takeCalls());
    ring.complete(request, 2 * BLOCK);
    assertSame(request, transfers.complete());
    assertNull(request.failure());
    assertEquals(List.of(), byThread);
    assertTrue(transfers.isIdle());
    assertNothingIsLocked();
  }

  @Test
  void aRestThatIsNotAlignedIsForAThread() throws Exception {
    for (boolean isWrite : new boolean[] {true, false}) {
      DiskRequest request = write(0, ADDRESS, 2 * BLOCK);
      if (!isWrite) {
        request.read(0);
        request.data().add(ADDRESS, 2 * BLOCK);
        request.submitted();
      }
      assertTrue(transfers.submit(request));
      transfers.start();
      ring.complete(request, 512);
      assertNull(transfers.complete());
      assertEquals(List.of(request), byThread);
      assertEquals(isWrite ? 0 : 512, request.position(), "a block is written as a whole");
      assertEquals(1, ring.takeCalls().size());
      byThread.clear();
      slots.release(request);
    }
    assertNothingIsLocked();
  }

  @Test
  void whatTheRingWillNotDoIsForAThread() throws Exception {
    for (int result : new int[] {-Errno.EINVAL, -Errno.EAGAIN, -Errno.EOPNOTSUPP, 0}) {
      DiskRequest request = write(0, ADDRESS, BLOCK);
      assertTrue(transfers.submit(request));
      transfers.start();
      ring.complete(request, result);
      assertNull(transfers.complete());
      assertEquals(List.of(request), byThread);
      assertNull(request.failure());
      byThread.clear();
      slots.release(request);
    }
    assertNothingIsLocked();
  }

  @Test
  void anErrorOfTheFileIsTheAnswer() throws Exception {
    DiskRequest request = write(BLOCK, ADDRESS, BLOCK);
    assertTrue(transfers.submit(request));
    transfers.start();
    ring.complete(request, -Errno.ENOSPC);
    assertSame(request, transfers.complete());
    String message = request.failure().getMessage();
    assertTrue(message.contains("write at byte 4096: ENOSPC"), message);
    assertNothingIsLocked();
  }

  @Test
  void whatIsNotAlignedIsNotTaken() throws Exception {
    assertFalse(transfers.submit(write(512, ADDRESS, BLOCK)), "its offset");
    assertFalse(transfers.submit(write(0, ADDRESS + 512, BLOCK)), "its memory");
    assertFalse(transfers.submit(write(0, ADDRESS, 512, BLOCK)), "a length");
    assertTrue(transfers.isIdle());
    assertEquals(List.of(), ring.takeCalls());
    assertNothingIsLocked();
  }

  @Test
  void aPartialWriteIsBeforeOrAfterWhatIsInTheRing() throws Exception {
    DiskRequest first = write(0, ADDRESS, BLOCK);
    assertTrue(transfers.submit(first));
    transfers.start();
    Thread partial = partialWrite();
    assertTrue(MmioDriver.await(() -> partial.getState() == Thread.State.WAITING));
    DiskRequest second = write(BLOCK, ADDRESS, BLOCK);
    assertFalse(transfers.submit(second), "would keep the other waiting");
    DiskRequest reading = slots.acquire();
    reading.read(0);
    reading.data().add(ADDRESS, BLOCK);
    reading.submitted();
    assertTrue(transfers.submit(reading), "a read is in nobody's way");
    ring.complete(first, BLOCK);
    assertSame(first, transfers.complete());
    partial.join();
    assertTrue(transfers.submit(second));
    transfers.dropUnstarted();
    assertEquals(1, slots.inUse());
    assertTrue(transfers.isIdle());
    assertNothingIsLocked();
  }

  @Test
  void whatTheKernelRefusesIsTakenBack() throws Exception {
    DiskRequest request = write(0, ADDRESS, BLOCK);
    assertTrue(transfers.submit(request));
    ring.refuse(Errno.EPERM);
    transfers.start();
    assertEquals(List.of(request), byThread);
    assertTrue(transfers.isIdle());
    assertNothingIsLocked();
  }
}
