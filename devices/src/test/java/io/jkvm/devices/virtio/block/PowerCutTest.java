// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.testing.FuseFile;
import io.jkvm.core.testing.WriteLog;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import io.jkvm.devices.virtio.testing.BlockClient;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What was acknowledged outlives a power cut at any moment. A killed process would prove less: what
 * it wrote is in the page cache, and flushes could as well do nothing.
 */
@Timeout(600)
class PowerCutTest {
  private static final int SECTORS = 2048;
  private static final int SECTOR_BYTES = 512;
  private static final int ROUNDS = 60;
  private static final int CUTS = 1000;
  private static final int MAX_SECTORS = BlockClient.MAX_BYTES / SECTOR_BYTES;

  /** By what the guest knows that a write is durable. */
  private enum Promise {
    /** A flush that came after the write was answered is answered. */
    FLUSH,
    /** The write is answered: the disk is one without a cache. */
    WRITETHROUGH,
    /** The same, since the driver can't flush. */
    NO_FLUSH_FEATURE,
    /** A flush is answered, but does nothing: the control. */
    BROKEN
  }

  /** From so many writes and flushes on, sectors have at least these versions. */
  private record Acknowledged(int position, int[] versions) {}

  @TempDir Path folder;

  private final Random random = new Random(14);
  private final WriteLog log = new WriteLog(new byte[SECTORS * SECTOR_BYTES]);
  private final List<Acknowledged> acknowledged = new ArrayList<>();
  private final int[] answered = new int[SECTORS];
  private final int[] slotSector = new int[BlockClient.SLOTS];
  private final int[] slotSectors = new int[BlockClient.SLOTS];
  private final int[] slotVersion = new int[BlockClient.SLOTS];
  private final Deque<Integer> free = new ArrayDeque<>();
  private int versions;
  private GuestMemory memory;
  private BlockClient client;

  @ParameterizedTest
  @CsvSource({
    "IO_URING, 2, FLUSH",
    "IO_URING, 2, WRITETHROUGH",
    "IO_URING, 1, NO_FLUSH_FEATURE",
    "IO_URING, 1, BROKEN",
    "THREADS, 2, FLUSH",
    "THREADS, 2, WRITETHROUGH",
    "THREADS, 1, NO_FLUSH_FEATURE",
    "THREADS, 1, BROKEN",
    "CALLS, 1, FLUSH",
    "CALLS, 1, WRITETHROUGH",
    "CALLS, 1, NO_FLUSH_FEATURE",
    "CALLS, 1, BROKEN"
  })
  void whatIsAcknowledgedIsThere(Kind kind, int queues, Promise promise) throws Exception {
    try (FuseFile file = new FuseFile(folder.resolve("disk.img"), log, 1);
        GuestMemory ram = GuestMemory.allocate(BlockClient.RAM);
        RawImage image = openImage(file.path())) {
      memory = ram;
      List<DiskEngine> engines =
          new DiskEngines(kind).open(image, "test", queues, promise == Promise.BROKEN);
      assertEquals(queues, engines.size());
      VirtioBlock disk =
          new VirtioBlock(image, "x", engines, true, promise == Promise.WRITETHROUGH);
      try (GuestDriver guest = GuestDriver.Transport.PCI.attach(disk, TestHost.of(memory))) {
        client = new BlockClient(memory, guest);
        client.start(queues, promise == Promise.NO_FLUSH_FEATURE ? VirtioBlock.F_FLUSH : 0);
        write(queues, promise);
        guest.status(0);
      }
      engines.forEach(DiskEngine::close);
    }
    List<String> lost = cut();
    if (promise == Promise.BROKEN) {
      assertNotEquals(List.of(), lost, "a disk that does not flush passes");
      assertEquals(0, log.flushes());
    } else {
      assertEquals(List.of(), lost);
    }
  }

  /** Opens the file as a test wants it. */
  RawImage openImage(Path path) throws Exception {
    return RawImage.open(path, false);
  }

  private void write(int queues, Promise promise) throws GuestFault {
    boolean flushes = promise == Promise.FLUSH || promise == Promise.BROKEN;
    int flushSlot = BlockClient.SLOTS - 1;
    for (int slot = 0; slot < flushSlot; slot++) {
      free.add(slot);
    }
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = random.nextInt(1, 6); i > 0 && !free.isEmpty(); i--) {
        beginWrite(random.nextInt(queues));
      }
      if (!flushes) {
        answered(client.awaitDone(), true);
      } else if (round % 3 != 0) {
        // While others are under way: it covers those that were answered before it was offered. At
        // least one was, or flushes that do nothing could all be over before the first write.
        List<Integer> before = client.takeDone();
        answered(before.isEmpty() && free.size() < flushSlot ? client.awaitDone() : before, false);
        int[] covered = answered.clone();
        client.begin(random.nextInt(queues), flushSlot, BlockDriver.FLUSH, 0, 0);
        boolean flushed = false;
        while (!flushed) {
          List<Integer> done = client.awaitDone();
          flushed = done.remove((Integer) flushSlot);
          if (flushed) {
            assertEquals(BlockDriver.OK, client.status(flushSlot));
            acknowledged.add(new Acknowledged(log.position(), covered));
          }
          answered(done, false);
        }
      }
    }
    while (free.size() < flushSlot) {
      answered(client.awaitDone(), !flushes);
    }
  }

  /** Of sectors of which no other write is under way: nobody says which of two would be last. */
  private void beginWrite(int queue) throws GuestFault {
    int sectors = random.nextInt(3) == 0 ? random.nextInt(1, MAX_SECTORS) : 8;
    int sector = random.nextInt(SECTORS - sectors);
    for (int slot = 0; slot < BlockClient.SLOTS - 1; slot++) {
      boolean apart =
          sector + sectors <= slotSector[slot] || slotSector[slot] + slotSectors[slot] <= sector;
      if (!free.contains(slot) && !apart) {
        return;
      }
    }
    int slot = free.remove();
    slotSector[slot] = sector;
    slotSectors[slot] = sectors;
    slotVersion[slot] = ++versions;
    for (int i = 0; i < sectors; i++) {
      for (int at = 0; at < SECTOR_BYTES; at += Long.BYTES) {
        memory.writeU64(
            client.data(slot) + (long) i * SECTOR_BYTES + at, word(sector + i, versions));
      }
    }
    client.begin(queue, slot, BlockDriver.OUT, sector, sectors * SECTOR_BYTES);
  }

  private static long word(int sector, int version) {
    return (long) version << 32 | sector;
  }

  private void answered(List<Integer> slots, boolean durable) throws GuestFault {
    for (int slot : slots) {
      assertEquals(BlockDriver.OK, client.status(slot));
      for (int i = 0; i < slotSectors[slot]; i++) {
        answered[slotSector[slot] + i] = slotVersion[slot];
      }
      free.add(slot);
    }
    if (durable) {
      acknowledged.add(new Acknowledged(log.position(), answered.clone()));
    }
  }

  /** What acknowledged writes are not there after some power cut. */
  private List<String> cut() {
    List<String> lost = new ArrayList<>();
    WriteLog.Cuts cuts = log.cuts();
    int[] positions = random.ints(CUTS, 0, log.position() + 1).sorted().toArray();
    int[] wanted = new int[SECTORS];
    int next = 0;
    for (int position : positions) {
      while (next < acknowledged.size() && acknowledged.get(next).position <= position) {
        wanted = acknowledged.get(next++).versions;
      }
      ByteBuffer left = ByteBuffer.wrap(cuts.at(position, random)).order(ByteOrder.LITTLE_ENDIAN);
      for (int sector = 0; sector < SECTORS; sector++) {
        int version = version(left, sector);
        if (version < wanted[sector]) {
          lost.add(
              "cut at "
                  + position
                  + ": sector "
                  + sector
                  + " has "
                  + version
                  + ", not "
                  + wanted[sector]);
        }
      }
    }
    return lost;
  }

  /** Which version a sector is; -1 if it is not whole. */
  private static int version(ByteBuffer bytes, int sector) {
    int from = sector * SECTOR_BYTES;
    long first = bytes.getLong(from);
    int version = (int) (first >>> 32);
    boolean whole = first == (version == 0 ? 0 : word(sector, version));
    for (int at = from; at < from + SECTOR_BYTES; at += Long.BYTES) {
      whole &= bytes.getLong(at) == first;
    }
    return whole ? version : -1;
  }
}
