// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.GuestRam;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A disk that is paused thousands of times while a driver writes and reads back. */
@Timeout(300)
class PauseUnderLoadTest {
  private static final int RAM = 1 << 18;
  private static final int SECTORS = 512;
  private static final int ROUNDS = 3000;
  private static final long OUT_HEADER = 0x8000;
  private static final long IN_HEADER = 0x8010;
  private static final long OUT_STATUS = 0x8100;
  private static final long IN_STATUS = 0x8101;
  private static final long OUT_DATA = 0x9000;
  private static final long IN_DATA = 0xa000;

  @TempDir Path folder;

  private final ReentrantLock vcpu = new ReentrantLock(true);
  private volatile boolean done;
  private volatile Throwable failure;

  @ParameterizedTest
  @CsvSource({"MMIO, CALLS", "PCI, CALLS", "MMIO, IO_URING", "PCI, THREADS"})
  void everythingIsServedAndNothingChangesMeanwhile(Transport transport, DiskEngines.Kind kind)
      throws Exception {
    Path path = Files.write(folder.resolve("disk.img"), new byte[SECTORS * 512]);
    byte[] expected = new byte[SECTORS * 512];
    try (GuestMemory memory = GuestMemory.allocate(RAM);
        RawImage image = RawImage.open(path, false);
        DiskEngine engine = new DiskEngines(kind).open(image, "test");
        GuestDriver guest =
            transport.attach(
                new VirtioBlock(image, "x", List.of(engine), true, false), TestHost.of(memory))) {
      SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
      guest.negotiateWithout(0);
      guest.setUpQueue(0, ring);
      guest.driverOk();
      Thread driver = new Thread(() -> drive(memory, guest, ring, expected));
      driver.start();
      for (int round = 0; round < ROUNDS; round++) {
        // Every second time the vCPU goes on meanwhile, which is rude but must do no harm.
        boolean quiet = round % 2 == 0;
        if (quiet) {
          vcpu.lock();
        }
        guest.device().pause();
        if (quiet) {
          guest.takeInterrupts();
          GuestRam ram = new GuestRam(memory, RAM);
          guest.notifyQueue(0);
          Thread.yield();
          ram.assertUnchanged();
          assertEquals(0, guest.takeInterrupts());
        }
        guest.device().resume();
        if (quiet) {
          vcpu.unlock();
        }
      }
      done = true;
      driver.join(20_000);
      if (failure != null) {
        throw new AssertionError(failure);
      }
    }
    assertArrayEquals(expected, Files.readAllBytes(path));
  }

  /**
   * Writes a sector, reads it again, compares; notifies only when asked to. One after the other: of
   * two requests under way any may be the first.
   */
  private void drive(GuestMemory memory, GuestDriver guest, SplitRingDriver ring, byte[] expected) {
    Random random = new Random(1);
    byte[] data = new byte[512];
    byte[] read = new byte[512];
    try {
      for (int i = 0; !done || i < 100; i++) {
        int sector = random.nextInt(SECTORS);
        random.nextBytes(data);
        vcpu.lock();
        memory.write(OUT_DATA, data, 0, 512);
        memory.writeU32(OUT_HEADER, BlockDriver.OUT);
        memory.writeU64(OUT_HEADER + 8, sector);
        offer(
            guest,
            ring,
            Buffer.out(OUT_HEADER, 16),
            Buffer.out(OUT_DATA, 512),
            Buffer.in(OUT_STATUS, 1));
        vcpu.unlock();
        awaitUsed(ring, i);
        vcpu.lock();
        memory.writeU32(IN_HEADER, BlockDriver.IN);
        memory.writeU64(IN_HEADER + 8, sector);
        offer(
            guest,
            ring,
            Buffer.out(IN_HEADER, 16),
            Buffer.in(IN_DATA, 512),
            Buffer.in(IN_STATUS, 1));
        vcpu.unlock();
        awaitUsed(ring, i);
        memory.read(IN_DATA, read, 0, 512);
        assertArrayEquals(data, read);
        System.arraycopy(data, 0, expected, 512 * sector, 512);
      }
    } catch (Throwable e) {
      failure = e;
    } finally {
      if (vcpu.isHeldByCurrentThread()) {
        vcpu.unlock();
      }
    }
  }

  private static void offer(GuestDriver guest, SplitRingDriver ring, Buffer... buffers)
      throws Exception {
    ring.usedEvent(ring.availIndex());
    ring.add(buffers);
    VarHandle.fullFence();
    if (((ring.availIndex() - ring.availEvent() - 1) & 0xffff) == 0) {
      guest.notifyQueue(0);
    }
  }

  private static void awaitUsed(SplitRingDriver ring, int round) throws Exception {
    int index = ring.availIndex();
    assertTrue(MmioDriver.await(() -> ring.usedIndex() == index), "lost at " + round);
  }
}
