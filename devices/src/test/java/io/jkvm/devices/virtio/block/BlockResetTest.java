// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestRam;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Resets with cold reads and with writes under way; what a guest does with its memory then. */
@Timeout(300)
class BlockResetTest {
  private static final int RAM = 1 << 20;
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 512;
  private static final int REQUESTS = 32;
  private static final int ROUNDS = 50;
  private static final long FADVISE64 = 221;
  private static final int POSIX_FADV_DONTNEED = 4;
  private static final long HEADERS = 0x8000;
  private static final long STATUSES = 0x9000;
  private static final long DATA = 0x10000;

  @TempDir Path folder;

  private final Random random = new Random(3);
  private GuestMemory memory;

  @ParameterizedTest
  @EnumSource
  void afterAResetMemoryAndDiskAreTheGuests(Kind kind) throws Exception {
    byte[] content = new byte[BLOCK * BLOCKS];
    random.nextBytes(content);
    Path path = Files.write(folder.resolve("disk.img"), content);
    try (GuestMemory ram = GuestMemory.allocate(RAM);
        EventFd interrupt = new EventFd();
        RawImage image = openImage(path);
        DiskEngine engine = new DiskEngines(kind).open(image, "test");
        VirtioMmio device =
            new VirtioMmio(
                new VirtioBlock(image, "x", List.of(engine), true, false),
                TestHost.of(ram),
                interrupt::signal,
                0xd000_0000L)) {
      memory = ram;
      MmioDriver driver = new MmioDriver(device);
      for (int round = 0; round < ROUNDS; round++) {
        boolean write = round % 5 == 4;
        SplitRingDriver ring = new SplitRingDriver(memory, 128, 0x1000);
        driver.start(ring);
        image.flush();
        Libc.syscall(FADVISE64, image.fd().value(), 0, 0, POSIX_FADV_DONTNEED, 0, 0);
        offer(ring, write ? BlockDriver.OUT : BlockDriver.IN);
        driver.notifyQueue(0);
        if (round % 2 == 0) {
          assertTrue(MmioDriver.await(() -> ring.usedIndex() > 0));
        }
        driver.status(0);
        assertEquals(0, driver.status());
        assertEquals(0, engine.inFlight());
        byte[] disk = Files.readAllBytes(path);
        byte[] pattern = new byte[RAM];
        Arrays.fill(pattern, (byte) 0x5a);
        memory.write(0, pattern, 0, RAM);
        GuestRam before = new GuestRam(memory, RAM);
        // Were anything still under way, this would give it the time that it takes.
        image.flush();
        assertArrayEquals(disk, Files.readAllBytes(path));
        before.assertUnchanged();
      }
    }
  }

  /** Opens the file as a test wants it. */
  RawImage openImage(Path path) throws Exception {
    return RawImage.open(path, false);
  }

  private void offer(SplitRingDriver ring, int type) throws GuestFault {
    for (int i = 0; i < REQUESTS; i++) {
      long header = HEADERS + 16L * i;
      memory.writeU32(header, type);
      memory.writeU64(header + 8, random.nextInt(BLOCKS) * 8L);
      long data = DATA + (long) BLOCK * i;
      ring.add(
          Buffer.out(header, 16),
          type == BlockDriver.IN ? Buffer.in(data, BLOCK) : Buffer.out(data, BLOCK),
          Buffer.in(STATUSES + i, 1));
    }
  }
}
