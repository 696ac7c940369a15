// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.testing.FaultyMedium;
import io.jkvm.core.testing.FuseFile;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import io.jkvm.devices.virtio.testing.BlockClient;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A medium that fails, shortens and delays: through a file, since a ring's requests pass by no call
 * that a test could stand in for.
 */
@Timeout(600)
class FaultyMediumTest {
  private static final int BYTES = 1 << 20;
  private static final int BLOCK = 4096;
  private static final int SECTORS = BLOCK / 512;

  @TempDir Path folder;

  private final FaultyMedium medium = new FaultyMedium(BYTES);
  private FuseFile file;
  private GuestMemory memory;
  private RawImage image;
  private List<DiskEngine> engines;
  private GuestDriver guest;
  private BlockClient client;

  private void open(Kind kind, boolean writethrough) throws Exception {
    file = new FuseFile(folder.resolve("disk.img"), medium, 4);
    memory = GuestMemory.allocate(BlockClient.RAM);
    image = openImage(file.path());
    engines = new DiskEngines(kind).open(image, "test", 1, false);
    VirtioBlock disk = new VirtioBlock(image, "x", engines, true, writethrough);
    guest = GuestDriver.Transport.MMIO.attach(disk, TestHost.of(memory));
    client = new BlockClient(memory, guest);
    client.start(1, 0);
  }

  /** Opens the file as a test wants it. */
  RawImage openImage(Path path) throws Exception {
    return RawImage.open(path, false);
  }

  /** How much a call may transfer. */
  int[] shortTransfers() {
    return new int[] {BLOCK, 512, 5120, 1};
  }

  /** Whether a write that is short is one to the engine. */
  boolean canShortenWrites(Kind kind) {
    return true;
  }

  @AfterEach
  void close() {
    if (guest != null) {
      guest.status(0);
      guest.close();
      engines.forEach(DiskEngine::close);
      image.close();
      file.close();
      memory.close();
    }
  }

  private int read(int block, int blocks) throws GuestFault {
    memory.writeU64(client.data(0), 0x1122334455667788L);
    return client.request(0, BlockDriver.IN, (long) block * SECTORS, blocks * BLOCK);
  }

  private int write(int block, int blocks, int value) throws GuestFault {
    for (int i = 0; i < blocks * BLOCK; i++) {
      memory.writeU8(client.data(0) + i, value + i / 512);
    }
    return client.request(0, BlockDriver.OUT, (long) block * SECTORS, blocks * BLOCK);
  }

  private int flush() throws GuestFault {
    return client.request(0, BlockDriver.FLUSH, 0, 0);
  }

  private void assertUntouched(int slot, int block, int blocks) throws GuestFault {
    for (int i = 0; i < blocks * BLOCK; i++) {
      int expected = FaultyMedium.at(block * BLOCK + i) & 0xff;
      assertEquals(expected, memory.readU8(client.data(slot) + i), "byte " + i);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anErrorOfTheMediumIsThatOfOneRequest(Kind kind) throws Exception {
    open(kind, false);
    for (int errno : new int[] {Errno.EIO, Errno.ENOSPC, Errno.EDQUOT, Errno.ENXIO}) {
      medium.failReads(errno, 1);
      assertEquals(BlockDriver.IO_ERROR, read(3, 2));
      assertEquals(BlockDriver.OK, read(3, 2));
      assertUntouched(0, 3, 2);
      medium.failWrites(errno, 1);
      assertEquals(BlockDriver.IO_ERROR, write(9, 2, 1));
      assertEquals(BlockDriver.OK, read(9, 2));
      assertUntouched(0, 9, 2);
    }
    assertEquals(BlockDriver.OK, flush());
  }

  @ParameterizedTest
  @EnumSource
  void whatAsksToBeTriedAgainIs(Kind kind) throws Exception {
    open(kind, false);
    for (int errno : new int[] {Errno.EINTR, Errno.EAGAIN}) {
      medium.failReads(errno, 5);
      assertEquals(BlockDriver.OK, read(7, 4));
      assertUntouched(0, 7, 4);
      medium.failWrites(errno, 5);
      assertEquals(BlockDriver.OK, write(20, 1, errno));
      medium.failSyncs(Errno.EINTR, 3);
      assertEquals(BlockDriver.OK, flush());
    }
  }

  @ParameterizedTest
  @EnumSource
  void shortTransfersAreCompleted(Kind kind) throws Exception {
    open(kind, false);
    for (int most : shortTransfers()) {
      medium.shorten(most);
      int blocks = most == 1 ? 1 : 16;
      assertEquals(BlockDriver.OK, read(100, blocks));
      assertUntouched(0, 100, blocks);
      if (!canShortenWrites(kind)) {
        continue;
      }
      assertEquals(BlockDriver.OK, write(50, blocks, most));
      assertEquals(BlockDriver.OK, read(50, blocks));
      for (int i = 0; i < blocks * BLOCK; i++) {
        assertEquals(most + i / 512 & 0xff, memory.readU8(client.data(0) + i), "byte " + i);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFailedFlushStaysFailed(Kind kind) throws Exception {
    open(kind, false);
    assertEquals(BlockDriver.OK, write(1, 1, 1));
    medium.failSyncs(Errno.EIO, 1);
    assertEquals(BlockDriver.IO_ERROR, flush());
    assertEquals(BlockDriver.IO_ERROR, flush());
    assertEquals(BlockDriver.OK, read(3, 1));
    client.start(1, 0);
    assertEquals(BlockDriver.IO_ERROR, flush(), "a reset mends no medium");
  }

  @ParameterizedTest
  @EnumSource
  void aWriteWithoutACacheFailsWithItsFlush(Kind kind) throws Exception {
    open(kind, true);
    assertEquals(BlockDriver.OK, write(1, 1, 1));
    medium.failSyncs(Errno.ENOSPC, 1);
    assertEquals(BlockDriver.IO_ERROR, write(1, 1, 2));
    assertEquals(BlockDriver.IO_ERROR, write(2, 1, 3), "nobody knows what is on the medium");
    assertEquals(BlockDriver.OK, read(30, 1));
    assertUntouched(0, 30, 1);
  }

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"IO_URING", "THREADS"})
  void aSlowReadHoldsUpNoOther(Kind kind) throws Exception {
    open(kind, false);
    CountDownLatch slow = medium.hold(BYTES / 2);
    try {
      client.begin(0, 1, BlockDriver.IN, BYTES / 512 - SECTORS, BLOCK);
      client.begin(0, 2, BlockDriver.IN, BYTES / 512 - 2 * SECTORS, BLOCK);
      for (int round = 0; round < 20; round++) {
        client.begin(0, 3, BlockDriver.IN, (long) round * SECTORS, BLOCK);
        assertEquals(List.of(3), client.awaitDone());
        assertEquals(BlockDriver.OK, client.status(3));
        assertUntouched(3, round, 1);
      }
    } finally {
      slow.countDown();
    }
    List<Integer> done = new ArrayList<>(client.awaitDone());
    while (done.size() < 2) {
      done.addAll(client.awaitDone());
    }
    done.sort(null);
    assertEquals(List.of(1, 2), done);
    assertUntouched(1, BYTES / BLOCK - 1, 1);
    assertUntouched(2, BYTES / BLOCK - 2, 1);
  }
}
