// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static io.jkvm.devices.virtio.testing.MmioDriver.CONFIG_CHANGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingBackend;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A disk that becomes larger, and what its driver is told of that, and when. */
@Timeout(300)
class BlockGrowthTest {
  private static final int CONFIG = 0x100;
  private static final int CONFIG_GENERATION = 0xfc;
  private static final long HEADER = 0x8000;
  private static final long STATUS = 0x8100;
  private static final long DATA = 0x9000;

  private final RecordingBackend backend = new RecordingBackend(100 * 512, false);
  private final VirtioBlock disk = new VirtioBlock(backend, "x");
  private GuestMemory memory;
  private VirtioMmio device;
  private MmioDriver driver;
  private SplitRingDriver ring;

  @BeforeEach
  void make() throws Exception {
    memory = GuestMemory.allocate(1 << 20);
    device = new VirtioMmio(disk, TestHost.of(memory), () -> {}, 0xd000_0000L);
    driver = new MmioDriver(device);
  }

  @AfterEach
  void close() {
    device.close();
    memory.close();
  }

  private void start() throws GuestFault {
    ring = new SplitRingDriver(memory, 16, 0x1000);
    driver.start(ring);
  }

  private void grow(long sectors) throws IOException {
    backend.resize(sectors * 512);
    disk.rescan();
    assertEquals(sectors * 512, disk.announceCapacity());
  }

  private long capacity() {
    return Integer.toUnsignedLong(driver.read(CONFIG)) | (long) driver.read(CONFIG + 4) << 32;
  }

  /** Whether the driver was told of a change since the last call. */
  private boolean told() {
    boolean told = (driver.read(MmioDriver.INTERRUPT_STATUS) & CONFIG_CHANGE) != 0;
    driver.write(MmioDriver.INTERRUPT_ACK, CONFIG_CHANGE);
    return told;
  }

  private int read(long sector, int sectors) throws GuestFault {
    memory.writeU32(HEADER, BlockDriver.IN);
    memory.writeU64(HEADER + 8, sector);
    memory.writeU8(STATUS, 0xee);
    ring.add(Buffer.out(HEADER, 16), Buffer.in(DATA, 512 * sectors), Buffer.in(STATUS, 1));
    assertTrue(driver.notifyAndAwait(ring, ring.availIndex()));
    return memory.readU8(STATUS);
  }

  @Test
  void theDriverIsToldAndMayUseIt() throws Exception {
    start();
    assertEquals(100, capacity());
    assertEquals(BlockDriver.IO_ERROR, read(99, 2));
    int generation = driver.read(CONFIG_GENERATION);
    backend.resize(200 * 512);
    assertEquals(BlockDriver.IO_ERROR, read(99, 2), "before anybody has looked");
    disk.rescan();
    assertEquals(100, capacity(), "before it is announced");
    assertEquals(200 * 512, disk.announceCapacity());
    assertTrue(told());
    assertNotEquals(generation, driver.read(CONFIG_GENERATION));
    assertEquals(200, capacity());
    assertEquals(BlockDriver.OK, read(99, 2));
    assertEquals(BlockDriver.OK, read(199, 1));
    assertEquals(BlockDriver.IO_ERROR, read(199, 2));
    generation = driver.read(CONFIG_GENERATION);
    grow(200);
    assertTrue(!told(), "nothing has changed");
    assertEquals(generation, driver.read(CONFIG_GENERATION));
    grow(1L << 33);
    assertTrue(told());
    assertEquals(1L << 33, capacity());
    assertEquals(1L << 33, device.read(CONFIG, 8));
  }

  @Test
  void aDiskDoesNotShrink() throws Exception {
    start();
    int generation = driver.read(CONFIG_GENERATION);
    for (int i = 0; i < 3; i++) {
      backend.resize(50 * 512);
      disk.rescan();
      assertEquals(100 * 512, disk.announceCapacity());
    }
    assertTrue(!told());
    assertEquals(100, capacity());
    assertEquals(generation, driver.read(CONFIG_GENERATION));
    assertEquals(BlockDriver.OK, read(60, 1), "what lies beyond the end is the backend's to say");
    grow(101);
    assertTrue(told());
  }

  @Test
  void whatGrowsBeforeTheDriverIsReadyIsToldThen() throws Exception {
    grow(150);
    driver.negotiate(driver.offeredFeatures());
    assertEquals(150, capacity());
    grow(200);
    assertTrue(!told(), "before DRIVER_OK (section 3.1.1)");
    ring = new SplitRingDriver(memory, 16, 0x1000);
    driver.setUpQueue(0, ring);
    driver.driverOk();
    assertTrue(told());
    assertEquals(200, capacity());
    assertEquals(BlockDriver.OK, read(199, 1));
    start();
    assertTrue(!told(), "a driver that begins now has read all of it");
  }

  @Test
  void whatGrowsInAPauseIsToldAfterwards() throws Exception {
    start();
    device.pause();
    grow(200);
    grow(300);
    assertTrue(!told());
    device.resume();
    assertTrue(told());
    assertEquals(300, capacity());
    device.pause();
    grow(400);
    driver.status(0);
    device.resume();
    assertTrue(!told());
    start();
    assertEquals(400, capacity());
    assertEquals(BlockDriver.OK, read(399, 1));
  }

  /** Growth, pauses, resets and requests at once: none waits for another, and nothing is lost. */
  @ParameterizedTest
  @EnumSource
  void growsWhateverHappensMeanwhile(GuestDriver.Transport transport) throws Exception {
    RecordingBackend growing = new RecordingBackend(512, false);
    VirtioBlock block = new VirtioBlock(growing, "y");
    try (GuestDriver guest = transport.attach(block, TestHost.of(memory))) {
      Thread grower =
          new Thread(
              () -> {
                try {
                  for (int sectors = 2; sectors <= 5000; sectors++) {
                    growing.resize(sectors * 512L);
                    block.rescan();
                    block.announceCapacity();
                  }
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      grower.start();
      long before = 0;
      for (int round = 0; round < 50 || grower.isAlive(); round++) {
        guest.negotiateWithout(0);
        SplitRingDriver rings = new SplitRingDriver(memory, 16, 0x1000);
        guest.setUpQueue(0, rings);
        guest.driverOk();
        guest.device().pause();
        guest.device().resume();
        long now = block.config().read(0, 8);
        assertTrue(now >= before);
        before = now;
        guest.status(0);
        assertTrue(MmioDriver.await(() -> guest.status() == 0));
      }
      grower.join();
      assertEquals(5000, block.config().read(0, 8));
      guest.negotiateWithout(0);
      guest.setUpQueue(0, new SplitRingDriver(memory, 16, 0x1000));
      guest.driverOk();
      guest.takeInterrupts();
      growing.resize(6000 * 512);
      block.rescan();
      block.announceCapacity();
      assertEquals(1, guest.takeInterrupts());
    }
  }

  /**
   * Both halves are the same number here, so a driver sees at once if they don't belong together.
   */
  @Test
  void theGenerationTellsHalvesOfTwoNumbersFromOne() throws Exception {
    start();
    int last = 20_000;
    Thread grower =
        new Thread(
            () -> {
              try {
                for (long half = 1000; half <= last; half++) {
                  grow(half << 32 | half);
                }
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    grower.start();
    long seen = 0;
    boolean growing = true;
    while (growing) {
      growing = grower.isAlive(); // before the look: the last one is after the last growth
      int generation = driver.read(CONFIG_GENERATION);
      long read = capacity();
      if (generation == driver.read(CONFIG_GENERATION) && read != 100) {
        assertEquals(read >>> 32, read & 0xffff_ffffL);
        seen = read;
      }
    }
    assertEquals((long) last << 32 | last, seen);
  }

  @Test
  void aSizeThatCanNotBeFoundOutChangesNothing() throws Exception {
    start();
    backend.resize(200 * 512);
    backend.fail(new IOException("disk recorded: test: EIO"));
    assertThrows(IOException.class, disk::rescan);
    assertEquals(100 * 512, disk.announceCapacity());
    assertTrue(!told());
    assertEquals(List.of(), backend.calls());
  }
}
