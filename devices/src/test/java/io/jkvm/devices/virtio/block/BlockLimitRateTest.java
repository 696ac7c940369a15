// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Limits by the host's clock: never faster, without busy waiting, and to the end by itself. */
@Timeout(300)
class BlockLimitRateTest {
  private static final int SIZE = 256;
  private static final int BLOCK = 4096;
  private static final long HEADERS = 0xa000;
  private static final long STATUSES = 0xb000;
  private static final long DATA = 0x10000;

  private final CountingClock clock = new CountingClock();

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void requests(Kind kind) throws Exception {
    run(kind, 1, new RateLimit(40, 0, clock));
  }

  @ParameterizedTest
  @EnumSource
  void bytes(Kind kind) throws Exception {
    run(kind, 1, new RateLimit(0, 40 * BLOCK, clock));
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"IO_URING", "THREADS"})
  void ofFourQueues(Kind kind) throws Exception {
    run(kind, 4, new RateLimit(40, 0, clock));
  }

  /** Reads that are a second's worth, and half as many again, by one notification a queue. */
  private void run(Kind kind, int queues, RateLimit limit) throws Exception {
    Path path = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
    try (GuestMemory memory = GuestMemory.allocate(1 << 20);
        RawImage image = RawImage.open(path, false)) {
      List<DiskEngine> engines = new DiskEngines(kind).open(image, "test", queues, false);
      VirtioBlock disk = new VirtioBlock(image, "x", engines, true, false, limit);
      try (GuestDriver guest = GuestDriver.Transport.PCI.attach(disk, TestHost.of(memory))) {
        guest.negotiateWithout(0);
        SplitRingDriver[] rings = new SplitRingDriver[queues];
        for (int i = 0; i < queues; i++) {
          rings[i] = new SplitRingDriver(memory, SIZE, 0x1000 + 0x2000 * i);
          guest.setUpQueue(i, rings[i]);
        }
        guest.driverOk();
        int requests = 60;
        long askedBefore = clock.asked();
        long start = System.nanoTime();
        for (int i = 0; i < requests; i++) {
          add(memory, rings[i % queues], i);
        }
        for (int i = 0; i < queues; i++) {
          guest.notifyQueue(i);
        }
        assertTrue(MmioDriver.await(() -> used(rings) == requests));
        long milliseconds = (System.nanoTime() - start) / 1_000_000;
        assertTrue(milliseconds >= 500, milliseconds + " ms for a second's worth and a half");
        for (int i = 0; i < requests; i++) {
          assertEquals(BlockDriver.OK, memory.readU8(STATUSES + i));
        }
        // Each is asked for when it comes and when its time is over, and others wake its thread.
        long asked = clock.asked() - askedBefore;
        assertTrue(asked < 100 * requests, asked + " times asked for " + requests + " requests");
      }
      engines.forEach(DiskEngine::close);
    }
  }

  private static void add(GuestMemory memory, SplitRingDriver ring, int number) throws GuestFault {
    long header = HEADERS + 16L * number;
    memory.writeU32(header, BlockDriver.IN);
    memory.writeU64(header + 8, number * 8L);
    memory.writeU8(STATUSES + number, 0xee);
    ring.add(
        Buffer.out(header, 16),
        Buffer.in(DATA + (long) BLOCK * number, BLOCK),
        Buffer.in(STATUSES + number, 1));
  }

  private static int used(SplitRingDriver[] rings) throws GuestFault {
    int used = 0;
    for (SplitRingDriver ring : rings) {
      used += ring.usedIndex();
    }
    return used;
  }
}
