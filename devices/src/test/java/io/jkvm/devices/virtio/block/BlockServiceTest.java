// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static io.jkvm.devices.virtio.testing.MmioDriver.NEEDS_RESET;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.engine.GatedEngine;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import io.jkvm.devices.virtio.testing.RecordingDoorbells;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.VirtioHost;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many requests under way, and a driver that is rude about it. */
@Timeout(120)
class BlockServiceTest {
  private static final int RAM = 1 << 20;
  private static final int SIZE = 64;
  private static final int CAPACITY = 16;
  private static final long HEADERS = 0x8000;
  private static final long STATUSES = 0x9000;
  private static final long DATA = 0x10000;

  /** In VIRTIO_MMIO's registers: the configuration is from 0x100 on. */
  private static final long CONFIG_WRITEBACK = 0x100 + 32;

  private final RecordingBackend backend = new RecordingBackend(1 << 20, false);
  private GuestMemory memory;
  private GatedEngine engine;
  private EventFd interrupt;
  private VirtioMmio device;
  private MmioDriver driver;
  private SplitRingDriver ring;
  private int added;
  private final AtomicBoolean stopping = new AtomicBoolean();
  private volatile Error error;

  @BeforeEach
  void make() throws Exception {
    memory = GuestMemory.allocate(RAM);
    interrupt = new EventFd();
    engine = new GatedEngine(CAPACITY, 8);
    VirtioHost host =
        new VirtioHost(
            TestHost.MACHINE,
            memory,
            new RecordingDoorbells(),
            stopping::get,
            this::hostFailed,
            200);
    VirtioBlock disk = new VirtioBlock(backend, "test", List.of(engine), true, false);
    device = new VirtioMmio(disk, host, interrupt::signal, 0xd000_0000L);
    driver = new MmioDriver(device);
    start();
  }

  private void hostFailed(String reason) {
    if (error != null) {
      throw error;
    }
  }

  private void start() throws GuestFault {
    ring = new SplitRingDriver(memory, SIZE, 0x1000);
    driver.start(ring);
    added = 0;
  }

  @AfterEach
  void close() throws Exception {
    stopping.set(true);
    assertTrue(
        MmioDriver.await(
            () -> {
              engine.finishAll();
              driver.status(0);
              return driver.status() == 0;
            }));
    device.close();
    assertEquals(0, engine.attached());
    engine.close();
    interrupt.close();
    memory.close();
  }

  /** Offers a request of a sector of its own; returns its head. */
  private int add(int type) throws GuestFault {
    long header = HEADERS + 16L * (added % 16);
    long status = STATUSES + added % 16;
    memory.writeU32(header, type);
    memory.writeU32(header + 4, 0);
    memory.writeU64(header + 8, added);
    memory.writeU8(status, 0xee);
    Buffer data =
        type == BlockDriver.IN
            ? Buffer.in(DATA + 512L * added, 512)
            : Buffer.out(DATA + 512L * added, 512);
    added++;
    return type == BlockDriver.FLUSH
        ? ring.add(Buffer.out(header, 16), Buffer.in(status, 1))
        : ring.add(Buffer.out(header, 16), data, Buffer.in(status, 1));
  }

  private void addAndAwait(int count) throws GuestFault {
    int before = engine.submitted();
    int begun = Math.min(8, engine.begun() + count);
    for (int i = 0; i < count; i++) {
      add(BlockDriver.IN);
    }
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> engine.submitted() == before + count));
    assertTrue(MmioDriver.await(() -> engine.begun() == begun));
  }

  private boolean used(int count) throws GuestFault {
    return MmioDriver.await(() -> ring.usedIndex() == count);
  }

  @Test
  void answersComeInTheOrderOfCompletion() throws Exception {
    Set<Integer> heads = new HashSet<>();
    int[] head = new int[4];
    for (int i = 0; i < 4; i++) {
      head[i] = add(BlockDriver.IN);
      heads.add(head[i]);
    }
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> engine.begun() == 4));
    assertEquals(0, ring.usedIndex());
    engine.finish(true, null);
    assertTrue(used(1));
    assertEquals(head[3], ring.usedId(0));
    assertEquals(513, ring.usedLength(0));
    assertEquals(0, memory.readU8(STATUSES + 3));
    assertEquals(0xee, memory.readU8(STATUSES));
    assertTrue(interrupt.await(60_000));
    engine.finish(false, new IOException("disk recorded: test: EIO"));
    assertTrue(used(2));
    assertEquals(head[0], ring.usedId(1));
    assertEquals(0, ring.usedLength(1));
    assertEquals(BlockDriver.IO_ERROR, memory.readU8(STATUSES));
    engine.finishAll();
    assertTrue(used(4));
    for (int i = 0; i < 4; i++) {
      assertTrue(heads.remove(ring.usedId(i)));
    }
  }

  @Test
  void noMoreAreTakenThanThereArePlacesFor() throws Exception {
    for (int i = 0; i < 20; i++) {
      add(BlockDriver.IN);
    }
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> engine.submitted() == CAPACITY));
    assertTrue(MmioDriver.await(() -> engine.begun() == 8));
    engine.finish(false, null);
    assertTrue(used(1));
    // The driver was not asked to notify again: the completion makes room for the next.
    assertTrue(MmioDriver.await(() -> engine.submitted() == CAPACITY + 1));
    for (int done = 2; done <= 20; done++) {
      assertTrue(MmioDriver.await(() -> engine.begun() > 0));
      engine.finish(done % 2 == 0, null);
      assertTrue(used(done));
    }
    assertEquals(0, driver.status() & NEEDS_RESET);
  }

  @Test
  void aHeadThatIsUnderWayBreaksTheDevice() throws Exception {
    int head = add(BlockDriver.IN);
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> engine.begun() == 1));
    ring.offer(head);
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> (driver.status() & NEEDS_RESET) != 0));
    assertEquals(1, engine.attached(), "waits for what is under way");
    engine.finishAll();
    assertTrue(MmioDriver.await(() -> engine.attached() == 0));
    assertEquals(0, ring.usedIndex());
    driver.status(0);
    assertEquals(0, driver.status());
    start();
    addAndAwait(3);
    engine.finishAll();
    assertTrue(used(3));
  }

  @Test
  void moreThanTheQueueHoldsBreaksTheDevice() throws Exception {
    addAndAwait(3);
    ring.availIndex(3 + SIZE + 1);
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> (driver.status() & NEEDS_RESET) != 0));
    assertEquals(3, engine.submitted());
  }

  @Test
  void afterAResetNothingIsWrittenAndWhatWaitsIsDropped() throws Exception {
    addAndAwait(12);
    Thread guest = new Thread(() -> driver.status(0));
    guest.start();
    assertTrue(MmioDriver.await(() -> guest.getState() == Thread.State.TIMED_WAITING));
    for (int i = 0; i < 8; i++) {
      assertTrue(guest.isAlive(), "completed with some under way");
      engine.finish(true, null);
    }
    guest.join(60_000);
    assertEquals(0, driver.status());
    byte[] pattern = new byte[RAM - 0x1000];
    Arrays.fill(pattern, (byte) 0x5a);
    memory.write(0x1000, pattern, 0, pattern.length);
    assertEquals(12, engine.submitted());
    assertEquals(0, engine.attached());
    byte[] found = new byte[pattern.length];
    memory.read(0x1000, found, 0, found.length);
    assertArrayEquals(pattern, found);
    interrupt.clear();
    start();
    addAndAwait(1);
  }

  @Test
  void aResetThatIsGivenUpIsCompletedLater() throws Exception {
    addAndAwait(2);
    stopping.set(true);
    driver.status(0);
    assertNotEquals(0, driver.status());
    assertThrows(CloseStack.StillInUse.class, device::close);
    engine.finishAll();
    assertTrue(MmioDriver.await(() -> engine.attached() == 0));
    assertEquals(0, ring.usedIndex(), "answered after the end");
  }

  /** Whatever else fails: the kernel, or a thread, may still write into what is under way. */
  @Test
  void anErrorThatCanNotEvenBeToldLeavesNothingUnderWay() throws Exception {
    addAndAwait(2);
    error = new OutOfMemoryError("test");
    engine.failOnce(error); // the same one again when the host is told of it, as HotSpot's is
    stopping.set(true);
    driver.status(0);
    assertNotEquals(0, driver.status(), "reset with some under way");
    assertEquals(1, engine.attached());
    engine.finishAll();
    assertTrue(MmioDriver.await(() -> engine.attached() == 0));
    assertEquals(0, ring.usedIndex());
    stopping.set(false);
  }

  @Test
  void aPauseWaitsAndAnswersAndOneGivenUpIsNone() throws Exception {
    addAndAwait(2);
    assertThrows(PauseTimeoutException.class, device::pause);
    engine.finish(true, null);
    assertTrue(used(1));
    addAndAwait(1);
    engine.finishAll();
    assertTrue(used(3));
    addAndAwait(1);
    Thread pausing =
        new Thread(
            () -> {
              for (boolean paused = false; !paused; ) {
                try {
                  device.pause();
                  paused = true;
                } catch (PauseTimeoutException e) {
                  continue;
                }
              }
            });
    pausing.start();
    engine.finishAll();
    pausing.join(60_000);
    assertFalse(pausing.isAlive());
    assertEquals(4, ring.usedIndex());
    add(BlockDriver.IN);
    Thread queue = queueThread();
    driver.notifyQueue(0);
    // Asleep in the pause, and not on its way to something.
    for (int i = 0; i < 100; i++) {
      assertTrue(MmioDriver.await(() -> queue.getState() == Thread.State.WAITING));
    }
    assertEquals(4, engine.submitted());
    device.resume();
    assertTrue(MmioDriver.await(() -> engine.begun() == 1));
    engine.finishAll();
    assertTrue(used(5));
  }

  private static Thread queueThread() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().contains("virtio-blk"))
        .findFirst()
        .orElseThrow();
  }

  /** Section 5.2.6.2: what counts is the mode when a write was submitted, and that it stayed so. */
  @Test
  void aCacheThatIsSwitchedMeanwhileIsNoExcuse() throws Exception {
    device.write(CONFIG_WRITEBACK, 1, 0);
    add(BlockDriver.OUT);
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> engine.begun() == 1));
    device.write(CONFIG_WRITEBACK, 1, 1);
    add(BlockDriver.OUT);
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> engine.begun() == 2));
    device.write(CONFIG_WRITEBACK, 1, 0);
    engine.finish(true, null); // the second one, which was to be cached
    assertTrue(used(1));
    assertEquals(2, engine.submitted());
    engine.finish(true, null);
    assertTrue(MmioDriver.await(() -> engine.submitted() == 3), "flushed");
    assertEquals(1, ring.usedIndex());
    assertTrue(MmioDriver.await(() -> engine.begun() == 1));
    engine.finishAll();
    assertTrue(used(2));
  }

  /** Also one that may switch the cache on has it off at first, if it can't flush. */
  @ParameterizedTest
  @ValueSource(longs = {VirtioBlock.F_FLUSH | VirtioBlock.F_CONFIG_WCE, VirtioBlock.F_FLUSH})
  void withoutACacheAWriteIsFlushedBeforeItIsAnswered(long without) throws Exception {
    driver.status(0);
    ring = new SplitRingDriver(memory, SIZE, 0x1000);
    driver.negotiate(driver.offeredFeatures() & ~without);
    driver.setUpQueue(0, ring);
    driver.driverOk();
    add(BlockDriver.OUT);
    driver.notifyQueue(0);
    assertTrue(MmioDriver.await(() -> engine.begun() == 1));
    engine.finish(true, null);
    assertTrue(MmioDriver.await(() -> engine.submitted() == 2));
    assertEquals(0, ring.usedIndex());
    assertTrue(MmioDriver.await(() -> engine.begun() == 1));
    engine.finish(true, new IOException("disk recorded: fdatasync: EIO"));
    assertTrue(used(1));
    assertEquals(BlockDriver.IO_ERROR, memory.readU8(STATUSES));
  }
}
