// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.storage.DiskException;
import io.jkvm.devices.storage.RawImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a ring may answer, played by a ring that is none. */
class RingTransfersTest {
  private static final long ADDRESS = 0x10000;

  @TempDir Path folder;

  private final FakeRing ring = new FakeRing();
  private final RequestSlots slots = RequestSlots.several(4);
  private final HitPredictor reads = new HitPredictor();
  private final List<DiskRequest> byThread = new ArrayList<>();
  private RawImage image;
  private RingTransfers transfers;

  RingTransfersTest() throws Exception {}

  @BeforeEach
  void open() throws Exception {
    image = RawImage.open(Files.write(folder.resolve("disk.img"), new byte[1 << 16]), false);
    transfers = new RingTransfers(ring, image, slots, reads, byThread::add);
  }

  @AfterEach
  void close() {
    slots.close();
    image.close();
  }

  private DiskRequest request(long offset, long... lengths) {
    DiskRequest request = slots.acquire();
    request.read(offset);
    long address = ADDRESS;
    for (long length : lengths) {
      request.data().add(address, length);
      address += 0x10000;
    }
    request.submitted();
    assertTrue(transfers.submit(request));
    return request;
  }

  @Test
  void shortTransfersAreAddedUp() {
    DiskRequest request = request(1024, 512, 1024, 512);
    transfers.start();
    assertEquals(List.of("read 1024 x3"), ring.takeCalls());
    ring.complete(request, 100);
    assertNull(transfers.complete());
    assertEquals(List.of("read 1124 x3"), ring.takeCalls());
    ring.complete(request, 412 + 1000);
    assertNull(transfers.complete());
    assertEquals(List.of("read 2536 x2"), ring.takeCalls());
    ring.complete(request, 24 + 512);
    assertSame(request, transfers.complete());
    assertNull(request.failure());
    assertEquals(List.of(), byThread);
  }

  @Test
  void theRestsErrorIsTheAnswer() {
    DiskRequest request = request(0, 2048);
    transfers.start();
    ring.complete(request, 512);
    assertNull(transfers.complete());
    ring.complete(request, -Errno.EIO);
    assertSame(request, transfers.complete());
    assertTrue(request.failure().getMessage().contains("read at byte 512: EIO"));
  }

  @Test
  void anErrorOfOneLeavesTheOthersAlone() {
    DiskRequest first = request(0, 512);
    DiskRequest second = request(512, 512);
    DiskRequest third = request(1024, 512);
    transfers.start();
    ring.complete(third, 512);
    ring.complete(second, -Errno.EIO);
    ring.complete(first, 512);
    assertSame(third, transfers.complete());
    assertSame(second, transfers.complete());
    assertSame(first, transfers.complete());
    assertNull(first.failure());
    assertNull(third.failure());
    assertTrue(second.failure().getMessage().contains("read at byte 512: EIO"));
  }

  @Test
  void theEndOfTheFileIsNoSuccess() {
    DiskRequest request = request(512, 512);
    transfers.start();
    ring.complete(request, 0);
    assertSame(request, transfers.complete());
    assertEquals(DiskException.Kind.SHRANK_IN_USE, ((DiskException) request.failure()).kind());
  }

  @Test
  void whatSaysNothingOfTheFileIsDoneByAThread() {
    for (int errno :
        new int[] {Errno.EINTR, Errno.EAGAIN, Errno.ECANCELED, Errno.EOPNOTSUPP, Errno.ENOMEM}) {
      DiskRequest request = request(0, 1024);
      transfers.start();
      ring.complete(request, 512);
      assertNull(transfers.complete());
      ring.complete(request, -errno);
      assertNull(transfers.complete());
      assertEquals(List.of(request), byThread);
      assertEquals(512, request.position(), "goes on where the ring got to");
      byThread.clear();
      slots.release(request);
    }
  }

  /** As when there is no memory for the words of an error. */
  @Test
  void aRequestWhoseErrorCanNotBeMadeIsAnsweredAllTheSame() {
    OutOfMemoryError error = new OutOfMemoryError("test");
    transfers =
        new RingTransfers(
            ring,
            image,
            slots,
            reads,
            request -> {
              throw error;
            });
    DiskRequest request = request(0, 512);
    transfers.start();
    ring.complete(request, -Errno.EINTR);
    assertSame(request, transfers.complete());
    assertSame(error, request.failure());
  }

  @Test
  void moreThanWasAskedForIsAnError() {
    DiskRequest request = request(0, 512);
    transfers.start();
    ring.complete(request, 513);
    assertSame(request, transfers.complete());
    assertTrue(request.failure().getMessage().contains("more than"));
  }

  @Test
  void aLateCompletionOfAnEarlierUseIsIgnored() {
    DiskRequest request = request(0, 512);
    transfers.start();
    long old = request.token();
    ring.complete(request, 512);
    assertSame(request, transfers.complete());
    slots.release(request);
    DiskRequest again = request(512, 512);
    assertSame(request, again);
    transfers.start();
    ring.completeToken(old, 512);
    ring.completeToken(77, 512);
    ring.completeToken(-1, 512);
    assertNull(transfers.complete());
    ring.complete(again, 512);
    assertSame(again, transfers.complete());
  }

  @Test
  void refusedWithOthersUnderWayItWaitsForThem() {
    DiskRequest first = request(0, 512);
    transfers.start();
    DiskRequest second = request(512, 512);
    ring.refuse(Errno.EBUSY);
    transfers.start();
    assertEquals(List.of(), byThread);
    ring.complete(first, 512);
    assertSame(first, transfers.complete());
    ring.refuse(0);
    transfers.start();
    ring.complete(second, 512);
    assertSame(second, transfers.complete());
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.EAGAIN, Errno.EBUSY, Errno.ENOMEM})
  void refusedWithNoneUnderWayThreadsDoIt(int errno) {
    DiskRequest first = request(0, 512);
    DiskRequest second = request(512, 512);
    ring.refuse(errno);
    transfers.start();
    assertEquals(List.of(second, first), byThread);
    ring.refuse(Errno.EPERM);
    slots.release(first);
    request(0, 512);
    transfers.start();
    assertEquals(3, byThread.size());
    slots.release(second);
    assertFalse(transfers.submit(slots.acquire()));
  }

  @Test
  void whatHasNotBegunIsDropped() {
    DiskRequest begun = request(0, 512);
    transfers.start();
    request(512, 512);
    request(1024, 512);
    assertEquals(3, slots.inUse());
    transfers.dropUnstarted();
    assertEquals(1, slots.inUse());
    ring.complete(begun, 512);
    assertSame(begun, transfers.complete());
  }

  /** Writes between reads have them begun one by one. */
  @Test
  void whatSeveralSubmissionsCompleteAreHits() {
    reads.missed();
    reads.missed();
    for (int i = 0; i < 4; i++) {
      assertFalse(reads.expectsHit());
      DiskRequest first = request(0, 512);
      transfers.start();
      DiskRequest second = request(512, 512);
      transfers.start();
      ring.complete(first, 512);
      ring.complete(second, 512);
      assertSame(first, transfers.complete());
      assertSame(second, transfers.complete());
      assertNull(transfers.complete());
      slots.release(first);
      slots.release(second);
    }
    assertTrue(reads.expectsHit());
  }

  @Test
  void whatItsSubmissionCompletesIsAHit() {
    reads.missed();
    reads.missed();
    assertFalse(reads.expectsHit());
    for (int i = 0; i < 8; i++) {
      assertFalse(reads.expectsHit());
      DiskRequest request = request(0, 512);
      transfers.start();
      ring.complete(request, 512);
      assertSame(request, transfers.complete());
      slots.release(request);
    }
    assertTrue(reads.expectsHit());
    for (int i = 0; i < 2; i++) {
      DiskRequest request = request(0, 512);
      transfers.start();
      assertNull(transfers.complete()); // not by the submission
      ring.complete(request, 512);
      assertSame(request, transfers.complete());
      slots.release(request);
    }
    assertFalse(reads.expectsHit());
  }
}
