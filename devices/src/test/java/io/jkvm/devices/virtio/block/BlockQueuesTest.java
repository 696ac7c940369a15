// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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

/** A disk with several queues, of which the driver uses as many as it likes. */
@Timeout(300)
class BlockQueuesTest {
  private static final int QUEUES = 4;
  private static final long HEADER = 0x8000;
  private static final long STATUS = 0x8100;
  private static final long DATA = 0x9000;

  @TempDir Path folder;

  private GuestMemory memory;
  private GuestDriver guest;

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"IO_URING", "THREADS"})
  void writesOfOneAreReadAndFlushedByAnother(Kind kind) throws Exception {
    Path path = Files.write(folder.resolve("disk.img"), new byte[1 << 16]);
    byte[] content = new byte[1 << 16];
    try (GuestMemory ram = GuestMemory.allocate(1 << 20);
        RawImage image = RawImage.open(path, false)) {
      memory = ram;
      List<DiskEngine> engines = new DiskEngines(kind).open(image, "test", QUEUES, false);
      assertEquals(QUEUES, engines.size());
      VirtioBlock disk = new VirtioBlock(image, "x", engines, true, false);
      assertEquals(QUEUES, disk.config().read(34, 2));
      try (GuestDriver driver = GuestDriver.Transport.PCI.attach(disk, TestHost.of(memory))) {
        guest = driver;
        for (int used : new int[] {1, QUEUES, 2}) {
          // The queues that are not set up are in nobody's way, at a reset and a pause neither.
          SplitRingDriver[] rings = start(used);
          for (int i = 0; i < 100; i++) {
            int sector = i % 128;
            memory.writeU8(DATA, i + used);
            content[sector * 512] = (byte) (i + used);
            request(rings, i % used, BlockDriver.OUT, sector, Buffer.out(DATA, 512));
            request(rings, (i + 1) % used, BlockDriver.FLUSH, 0);
            memory.writeU8(DATA, 0);
            request(rings, (i + 2) % used, BlockDriver.IN, sector, Buffer.in(DATA, 512));
            assertEquals((i + used) & 0xff, memory.readU8(DATA));
          }
          guest.device().pause();
          guest.device().resume();
        }
        guest.status(0);
        assertEquals(0, guest.status());
      }
      engines.forEach(DiskEngine::close);
    }
    assertArrayEquals(content, Files.readAllBytes(path));
  }

  private SplitRingDriver[] start(int used) throws GuestFault {
    guest.negotiateWithout(0);
    SplitRingDriver[] rings = new SplitRingDriver[used];
    for (int i = 0; i < used; i++) {
      rings[i] = new SplitRingDriver(memory, 16, 0x1000 + 0x400 * i);
      guest.setUpQueue(i, rings[i]);
    }
    guest.driverOk();
    return rings;
  }

  private void request(SplitRingDriver[] rings, int queue, int type, long sector, Buffer... data)
      throws GuestFault {
    memory.writeU32(HEADER, type);
    memory.writeU64(HEADER + 8, sector);
    memory.writeU8(STATUS, 0xee);
    SplitRingDriver ring = rings[queue];
    int before = ring.usedIndex();
    if (data.length == 0) {
      ring.add(Buffer.out(HEADER, 16), Buffer.in(STATUS, 1));
    } else {
      ring.add(Buffer.out(HEADER, 16), data[0], Buffer.in(STATUS, 1));
    }
    guest.notifyQueue(queue);
    assertTrue(MmioDriver.await(() -> ring.usedIndex() == ((before + 1) & 0xffff)));
    assertEquals(BlockDriver.OK, memory.readU8(STATUS));
  }
}
