// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.mmio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.virtio.block.BlockAccess;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.rng.VirtioRng;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Seeded nonsense in rings and registers, and what a request may cost the host. */
@Timeout(300)
class HostileGuestTest {
  private static final int MEMORY = 1 << 20;
  private static final int DISK = 1 << 18;
  private static final long[] EDGES = {
    0,
    1,
    15,
    16,
    512,
    0x1000,
    MEMORY - 1,
    MEMORY,
    MEMORY - 512,
    0xffff_ffffL,
    -1,
    -512,
    Long.MIN_VALUE,
    0xc000_0000L,
    0x1_0000_0000L,
    (1L << 55) - 1
  };

  @TempDir Path folder;

  private static long number(Random random) {
    switch (random.nextInt(4)) {
      case 0:
        return EDGES[random.nextInt(EDGES.length)];
      case 1:
        return random.nextInt(MEMORY);
      case 2:
        return random.nextInt(64);
      default:
        return random.nextLong();
    }
  }

  private Path disk(byte[] content) throws Exception {
    return Files.write(folder.resolve("disk.img"), content);
  }

  /** Rings of plausible and absurd descriptors, polled and served on this thread. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomRings(long seed) throws Exception {
    Random random = new Random(seed);
    int served = 0;
    int faults = 0;
    try (GuestMemory memory = GuestMemory.allocate(MEMORY);
        RawImage image = RawImage.open(disk(new byte[DISK]), false)) {
      VirtioBlock block = new VirtioBlock(image, "x");
      block.activate(block.features());
      VirtioRng rng = new VirtioRng();
      for (int round = 0; round < 20_000; round++) {
        SplitRingDriver ring = new SplitRingDriver(memory, 1 << random.nextInt(6), 0x1000);
        scribble(random, memory, ring);
        try {
          Virtqueue queue = ring.device(random.nextBoolean(), random.nextInt(8) != 0);
          DescriptorChain chain = queue.newChain();
          BlockAccess blocks = new BlockAccess(block, queue, block.features());
          RequestHandler numbers = HandlerAccess.of(rng, 0, queue, 0);
          queue.disableNotifications();
          while (queue.poll(chain)) {
            if (random.nextInt(4) == 0) {
              queue.addUsed(chain.head(), numbers.process(chain));
              queue.needsInterrupt();
            } else {
              blocks.process(chain);
            }
            served++;
          }
          queue.enableNotifications();
        } catch (GuestFault e) {
          faults++;
        }
      }
      assertEquals(DISK, Files.size(folder.resolve("disk.img")));
    }
    assertTrue(served > 100, "served " + served);
    assertTrue(faults > 1000, "faults " + faults);
  }

  private static void scribble(Random random, GuestMemory memory, SplitRingDriver ring)
      throws GuestFault {
    long table = 0x4000;
    for (int i = 0; i < 32; i++) {
      boolean inTable = random.nextInt(3) == 0 || i >= ring.size();
      boolean plausible = random.nextInt(8) != 0;
      long address = plausible ? 0x8000 + random.nextInt(0x8000) : number(random);
      int length =
          plausible ? random.nextInt(3) * 512 + 16 * random.nextInt(2) : (int) number(random);
      int flags = random.nextInt(8) == 0 ? random.nextInt(8) : i % 2 == 0 ? 1 : 2;
      if (random.nextInt(10) == 0) {
        address = table;
        length = 16 * (1 + random.nextInt(ring.size()));
        flags = SplitRingDriver.INDIRECT;
      }
      int next = plausible ? i + 1 : (int) number(random);
      ring.descriptor(inTable ? table : ring.descriptors(), i, address, length, flags, next);
    }
    for (long at = 0x8000; at < 0x10000; at += 16 * (1 + random.nextInt(64))) {
      memory.writeU32(at, random.nextInt(16));
      memory.writeU64(at + 8, random.nextInt(4) == 0 ? number(random) : random.nextInt(600));
    }
    for (int i = 0; i < ring.size(); i++) {
      memory.writeU16(
          ring.avail() + 4 + 2L * i, random.nextInt(12) == 0 ? (int) number(random) : i & ~1);
    }
    ring.availIndex(random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(ring.size() + 1));
    ring.availFlags(random.nextInt(3));
  }

  /** Any access in any order, with live threads; after it a well-behaved driver gets its data. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void randomRegisters(long seed) throws Exception {
    Random random = new Random(seed);
    byte[] content = new byte[DISK];
    new Random(5).nextBytes(content);
    try (GuestMemory memory = GuestMemory.allocate(MEMORY);
        RawImage image = RawImage.open(disk(content), true);
        EventFd interrupt = new EventFd();
        VirtioMmio mmio =
            new VirtioMmio(
                new VirtioBlock(image, "x"), TestHost.of(memory), interrupt::signal, 0)) {
      MmioDriver driver = new MmioDriver(mmio);
      SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
      for (int i = 0; i < 60_000; i++) {
        int what = random.nextInt(100);
        if (what == 0) {
          driver.start(ring);
        } else if (what == 1) {
          scribble(random, memory, ring);
        } else if (what < 10) {
          driver.notifyQueue((int) number(random));
        } else {
          int size = random.nextInt(4) == 0 ? 1 << random.nextInt(4) : 4;
          long offset =
              random.nextInt(10) == 0
                  ? random.nextInt((int) VirtioMmio.RANGE_BYTES - 8)
                  : 4L * random.nextInt(0x160 / 4);
          if (random.nextBoolean()) {
            mmio.read(offset, size);
          } else {
            mmio.write(offset, size, number(random));
          }
        }
      }
      driver.status(0);
      ring = new SplitRingDriver(memory, 16, 0x1000);
      driver.start(ring);
      memory.writeU64(0x8000, BlockDriver.IN);
      memory.writeU64(0x8008, 7);
      ring.add(Buffer.out(0x8000, 16), Buffer.in(0x9000, 512), Buffer.in(0x8100, 1));
      assertTrue(driver.notifyAndAwait(ring, 1));
      byte[] read = new byte[512];
      memory.read(0x9000, read, 0, 512);
      assertArrayEquals(Arrays.copyOfRange(content, 7 * 512, 8 * 512), read);
    }
    assertArrayEquals(content, Files.readAllBytes(folder.resolve("disk.img")));
  }

  @Test
  void requestsAllocateNothing() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (GuestMemory memory = GuestMemory.allocate(MEMORY);
        RawImage image = RawImage.open(disk(new byte[DISK]), false);
        EventFd interrupt = new EventFd();
        VirtioMmio mmio =
            new VirtioMmio(
                new VirtioBlock(image, "x"), TestHost.of(memory), interrupt::signal, 0)) {
      MmioDriver driver = new MmioDriver(mmio);
      SplitRingDriver ring = new SplitRingDriver(memory, 16, 0x1000);
      driver.start(ring);
      memory.writeU64(0x8000, BlockDriver.OUT);
      memory.writeU64(0x8010, BlockDriver.IN);
      long worker =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().endsWith("disk.img queue 0"))
              .mapToLong(Thread::getId)
              .findFirst()
              .orElseThrow();
      serve(memory, ring, driver, 5_000);
      long before = threads.getThreadAllocatedBytes(worker);
      serve(memory, ring, driver, 10_000);
      long allocated = threads.getThreadAllocatedBytes(worker) - before;
      assertTrue(allocated < 20_000, allocated + " bytes for 20,000 requests");
    }
  }

  private static void serve(GuestMemory memory, SplitRingDriver ring, MmioDriver driver, int count)
      throws GuestFault {
    for (int i = 0; i < count; i++) {
      int expected = ring.usedIndex() + 2;
      ring.usedEvent(expected - 1);
      ring.add(Buffer.out(0x8000, 16), Buffer.out(0x9000, 4096), Buffer.in(0x8100, 1));
      ring.addIndirect(
          0x7000, Buffer.out(0x8010, 16), Buffer.in(0xa000, 1024), Buffer.in(0x8100, 1));
      assertTrue(driver.notifyAndAwait(ring, expected));
      assertEquals(0, memory.readU8(0x8100));
    }
  }
}
