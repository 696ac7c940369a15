// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.storage.engine.GatedEngine;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestRam;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Queues that are held back by a limit, whose clock stands still until it is moved on. */
@Timeout(300)
class BlockLimitTest {
  private static final int RAM = 4 << 20;
  private static final int SIZE = 64;
  private static final long HEADERS = 0x8000;
  private static final long STATUSES = 0x9000;
  private static final long SEGMENT = 0x9800;
  private static final long DATA = 0x10_0000;
  private static final int MIB = 1 << 20;

  private final CountingClock clock = new CountingClock(0);
  private final RecordingBackend backend = new RecordingBackend(64 << 20, false);
  private GuestMemory memory;
  private GuestDriver guest;
  private SplitRingDriver[] rings;
  private int added;

  @BeforeEach
  void allocate() throws Exception {
    memory = GuestMemory.allocate(RAM);
  }

  /** Also where a queue is held back, which must not keep the machine from its end. */
  @AfterEach
  void close() {
    guest.close();
    memory.close();
  }

  private void make(long iops, long bytesPerSecond, DiskEngine... engines) throws Exception {
    make(GuestDriver.Transport.PCI, iops, bytesPerSecond, engines);
  }

  private void make(
      GuestDriver.Transport transport, long iops, long bytesPerSecond, DiskEngine... engines)
      throws Exception {
    RateLimit limit = new RateLimit(iops, bytesPerSecond, clock);
    VirtioBlock disk = new VirtioBlock(backend, "x", List.of(engines), true, false, limit);
    guest = transport.attach(disk, TestHost.of(memory));
    start(engines.length);
  }

  private void make(long iops, long bytesPerSecond) throws Exception {
    make(iops, bytesPerSecond, DiskEngines.calls(backend));
  }

  private void start(int queues) throws GuestFault {
    guest.negotiateWithout(0);
    rings = new SplitRingDriver[queues];
    for (int i = 0; i < queues; i++) {
      rings[i] = new SplitRingDriver(memory, SIZE, 0x1000 + 0x1000 * i);
      guest.setUpQueue(i, rings[i]);
    }
    guest.driverOk();
  }

  private void add(int queue, int type, Buffer... data) throws GuestFault {
    long header = HEADERS + 16L * (added % SIZE);
    long status = STATUSES + added % SIZE;
    added++;
    memory.writeU32(header, type);
    memory.writeU64(header + 8, 0);
    memory.writeU8(status, 0xee);
    Buffer first = Buffer.out(header, 16);
    Buffer last = Buffer.in(status, 1);
    if (data.length == 0) {
      rings[queue].add(first, last);
    } else {
      rings[queue].add(first, data[0], last);
    }
  }

  private void addReads(int queue, int count) throws GuestFault {
    for (int i = 0; i < count; i++) {
      add(queue, BlockDriver.IN, Buffer.in(DATA, 512));
    }
    guest.notifyQueue(queue);
  }

  private void awaitUsed(int queue, int count) throws GuestFault {
    assertTrue(MmioDriver.await(() -> rings[queue].usedIndex() == count));
  }

  private void advance(long milliseconds) {
    clock.advanceMilliseconds(milliseconds);
    for (int i = 0; i < rings.length; i++) {
      guest.notifyQueue(i);
    }
  }

  /** So many are answered, and the next one was asked for again and again, and refused. */
  private void awaitHeldBack(int count) throws GuestFault {
    awaitUsed(0, count);
    long before = clock.asked();
    assertTrue(
        MmioDriver.await(
            () -> {
              guest.notifyQueue(0);
              return clock.asked() > before + 6;
            }));
    assertEquals(count, rings[0].usedIndex());
  }

  @Test
  void noMoreIsTakenThanTheRate() throws Exception {
    make(4, 0);
    addReads(0, 12);
    awaitHeldBack(4);
    advance(249);
    awaitHeldBack(4);
    advance(1);
    awaitHeldBack(5);
    advance(1000);
    awaitHeldBack(9);
    assertEquals(9, backend.calls().size());
    advance(60_000);
    awaitUsed(0, 12);
  }

  @Test
  void aRequestOfMoreThanASecondsBytesIsPaidFor() throws Exception {
    make(1, MIB / 2);
    add(0, BlockDriver.IN, Buffer.in(DATA, MIB));
    add(0, BlockDriver.OUT, Buffer.out(DATA, MIB));
    addReads(0, 1);
    awaitHeldBack(1);
    advance(1000);
    awaitHeldBack(1);
    advance(999);
    awaitHeldBack(1);
    advance(1);
    awaitHeldBack(2);
    advance(1000);
    awaitHeldBack(2);
    advance(1);
    awaitUsed(0, 3);
    assertEquals(List.of("read 0+1048576", "write 0+1048576", "read 0+512"), backend.calls());
    assertEquals(BlockDriver.OK, memory.readU8(STATUSES + 1));
  }

  @Test
  void whatNeedsNoDiskAndFlushesAreFreeButKeepTheirPlace() throws Exception {
    make(1, 0);
    for (int i = 0; i < 5; i++) {
      add(0, BlockDriver.GET_ID, Buffer.in(DATA, 20));
      add(0, BlockDriver.FLUSH);
      add(0, 99);
    }
    addReads(0, 1);
    add(0, BlockDriver.FLUSH);
    guest.notifyQueue(0);
    awaitUsed(0, 17);
    addReads(0, 1);
    add(0, BlockDriver.FLUSH);
    guest.notifyQueue(0);
    awaitHeldBack(17);
    assertEquals(7, backend.calls().size());
    advance(1000);
    awaitUsed(0, 19);
    assertEquals(
        List.of("read 0+512", "flush", "read 0+512", "flush"), backend.calls().subList(5, 9));
  }

  @Test
  void aDiscardIsARequestWithoutBytes() throws Exception {
    make(2, 512);
    memory.writeU64(SEGMENT, 0);
    memory.writeU32(SEGMENT + 8, 1000);
    memory.writeU32(SEGMENT + 12, 0);
    add(0, BlockDriver.DISCARD, Buffer.out(SEGMENT, 16));
    addReads(0, 1);
    awaitUsed(0, 2);
    add(0, BlockDriver.DISCARD, Buffer.out(SEGMENT, 16));
    guest.notifyQueue(0);
    awaitHeldBack(2);
    advance(500);
    awaitUsed(0, 3);
  }

  /** The host may have to write them. */
  @Test
  void zeroesCountAsBytes() throws Exception {
    make(10, 1024);
    memory.writeU64(SEGMENT, 0);
    memory.writeU32(SEGMENT + 8, 3);
    memory.writeU32(SEGMENT + 12, 0);
    add(0, BlockDriver.WRITE_ZEROES, Buffer.out(SEGMENT, 16));
    guest.notifyQueue(0);
    awaitUsed(0, 1);
    addReads(0, 1);
    awaitHeldBack(1);
    advance(1000);
    awaitUsed(0, 2);
  }

  @Test
  void queuesHaveOneLimitTogether() throws Exception {
    make(4, 0, DiskEngines.calls(backend), DiskEngines.calls(backend));
    addReads(0, 4);
    awaitUsed(0, 4);
    addReads(1, 3);
    addReads(0, 3);
    for (int more = 1; more <= 6; more++) {
      assertEquals(3 + more, backend.calls().size());
      advance(250);
      int all = 4 + more;
      assertTrue(MmioDriver.await(() -> rings[0].usedIndex() + rings[1].usedIndex() == all));
    }
    assertEquals(3, rings[1].usedIndex());
  }

  @Test
  void answersComeWhileTheNextRequestWaits() throws Exception {
    GatedEngine engine = new GatedEngine(8, 8);
    make(2, 0, engine);
    addReads(0, 3);
    assertTrue(MmioDriver.await(() -> engine.begun() == 2));
    awaitHeldBack(0);
    engine.finish(true, null);
    awaitHeldBack(1);
    engine.finish(true, null);
    awaitHeldBack(2);
    advance(500);
    assertTrue(MmioDriver.await(() -> engine.begun() == 1));
    engine.finish(true, null);
    awaitUsed(0, 3);
    guest.status(0);
    assertTrue(MmioDriver.await(() -> guest.status() == 0));
    engine.close();
  }

  /** The clock stands still: nothing that waits for the limit ever gets on. */
  @Test
  void aResetDropsWhatWaits() throws Exception {
    make(1, 0);
    for (int round = 1; round <= 10; round++) {
      addReads(0, 3);
      awaitHeldBack(1);
      guest.status(0);
      assertTrue(MmioDriver.await(() -> guest.status() == 0));
      GuestRam before = new GuestRam(memory, RAM);
      advance(1000);
      assertEquals(round, backend.calls().size());
      before.assertUnchanged();
      start(1);
    }
    addReads(0, 1);
    awaitUsed(0, 1);
    assertEquals(11, backend.calls().size());
  }

  @Test
  void aQueueThatIsStoppedIsNotWaitedFor() throws Exception {
    DiskEngine[] engines = {DiskEngines.calls(backend), DiskEngines.calls(backend)};
    make(GuestDriver.Transport.MMIO, 1, MIB, engines);
    addReads(0, 1);
    awaitUsed(0, 1);
    add(0, BlockDriver.IN, Buffer.in(DATA, 2 * MIB));
    guest.notifyQueue(0);
    awaitHeldBack(1);
    addReads(1, 1);
    MmioDriver driver = ((GuestDriver.Mmio) guest).driver();
    driver.write(MmioDriver.QUEUE_SEL, 0);
    driver.write(MmioDriver.QUEUE_READY, 0);
    assertEquals(0, driver.read(MmioDriver.QUEUE_READY));
    advance(1000);
    awaitUsed(1, 1);
    assertEquals(2, backend.calls().size());
  }

  @Test
  void aPauseKeepsWhatWaitsAndIsNoReasonForAFlood() throws Exception {
    make(2, 0);
    addReads(0, 6);
    awaitHeldBack(2);
    for (int i = 0; i < 10; i++) {
      guest.device().pause();
      guest.device().resume();
    }
    guest.device().pause();
    GuestRam before = new GuestRam(memory, RAM);
    Thread queue = queueThread();
    advance(60_000);
    // Asleep in the pause, and not on its way to something.
    for (int i = 0; i < 100; i++) {
      assertTrue(MmioDriver.await(() -> queue.getState() == Thread.State.WAITING));
    }
    assertEquals(2, backend.calls().size());
    before.assertUnchanged();
    guest.device().resume();
    awaitHeldBack(4);
    advance(500);
    awaitHeldBack(5);
    advance(500);
    awaitUsed(0, 6);
  }

  private static Thread queueThread() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().contains("virtio-blk"))
        .findFirst()
        .orElseThrow();
  }

  /** What waits is read again when its turn has come: the driver may have changed it meanwhile. */
  @Test
  void aRequestThatChangesWhileItWaitsIsCheckedAgain() throws Exception {
    make(1, 0);
    addReads(0, 2);
    awaitHeldBack(1);
    memory.writeU64(HEADERS + 16 + 8, -1);
    awaitUsed(0, 2);
    assertEquals(BlockDriver.IO_ERROR, memory.readU8(STATUSES + 1));
    assertEquals(1, backend.calls().size());
    addReads(0, 1);
    awaitHeldBack(2);
    rings[0].availIndex(rings[0].availIndex() + SIZE + 1);
    advance(1000);
    assertTrue(MmioDriver.await(() -> (guest.status() & MmioDriver.NEEDS_RESET) != 0));
  }
}
