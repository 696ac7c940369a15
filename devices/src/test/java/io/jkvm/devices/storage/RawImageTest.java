// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import static io.jkvm.devices.virtio.testing.Buffer.in;
import static io.jkvm.devices.virtio.testing.Buffer.out;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.DiskException.Kind;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.testing.BlockDriver;
import io.jkvm.devices.virtio.testing.Buffer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests that end in a real file, and files that can't be disks. */
class RawImageTest {
  private static final long DATA = 0x10_0000;
  private static final int LENGTH = 1 << 20;

  @TempDir Path folder;

  private Path image(int length) throws Exception {
    byte[] content = new byte[length];
    new Random(1).nextBytes(content);
    return Files.write(folder.resolve("disk.img"), content);
  }

  private static void assertRefused(Path path, boolean readOnly, Kind kind, String... words) {
    DiskException e =
        assertThrows(DiskException.class, () -> RawImage.open(path, readOnly).close());
    String message = e.getMessage();
    assertTrue(message.startsWith("disk " + path + ": "), message);
    assertFalse(message.contains("\n"), message);
    assertEquals(kind, e.kind(), message);
    assertEquals(path.toString(), e.disk());
    for (String word : words) {
      assertTrue(message.contains(word), message);
    }
  }

  @Test
  void scatteredRequestsReachTheFile() throws Exception {
    Path path = image(LENGTH);
    byte[] expected = Files.readAllBytes(path);
    Random random = new Random(2);
    try (GuestMemory memory = GuestMemory.allocate(8 << 20);
        RawImage disk = RawImage.open(path, false)) {
      assertEquals(LENGTH, disk.capacityBytes());
      VirtioBlock device = new VirtioBlock(disk, "x");
      BlockDriver driver = new BlockDriver(memory, device);
      for (int round = 0; round < 300; round++) {
        int parts = 1 + random.nextInt(8);
        int sectors = parts + random.nextInt(16);
        int sector = random.nextInt(LENGTH / 512 - sectors);
        boolean write = random.nextBoolean();
        byte[] data = new byte[sectors * 512];
        random.nextBytes(data);
        Buffer[] buffers = new Buffer[parts];
        int[] ends = new int[parts];
        for (int i = 0, from = 0; i < parts; i++) {
          // Odd places and lengths: only the sum has to be whole sectors.
          int length = i == parts - 1 ? data.length - from : 1 + random.nextInt(511);
          long at = DATA + i * 0x1_0000L + random.nextInt(5000);
          buffers[i] = write ? out(at, length) : in(at, length);
          memory.write(at, data, from, length);
          from += length;
          ends[i] = from;
        }
        assertEquals(0, driver.request(write ? 1 : 0, sector, buffers));
        if (write) {
          System.arraycopy(data, 0, expected, sector * 512, data.length);
        } else {
          byte[] read = new byte[data.length];
          for (int i = 0, from = 0; i < parts; from = ends[i++]) {
            memory.read(buffers[i].address(), read, from, ends[i] - from);
          }
          assertArrayEquals(
              Arrays.copyOfRange(expected, sector * 512, sector * 512 + data.length), read);
        }
      }
      assertEquals(0, driver.request(BlockDriver.FLUSH, 0));
    }
    assertArrayEquals(expected, Files.readAllBytes(path));
  }

  @Test
  void writeZeroesAndDiscard() throws Exception {
    Path path = image(LENGTH);
    byte[] expected = Files.readAllBytes(path);
    try (GuestMemory memory = GuestMemory.allocate(1 << 20);
        RawImage disk = RawImage.open(path, false)) {
      VirtioBlock device = new VirtioBlock(disk, "x");
      BlockDriver driver = new BlockDriver(memory, device);
      driver.segment(0, 3, 700, 0);
      assertEquals(0, driver.segments(BlockDriver.WRITE_ZEROES, 1));
      driver.segment(0, 1000, 9, 1);
      assertEquals(0, driver.segments(BlockDriver.WRITE_ZEROES, 1));
      driver.segment(0, 2040, 8, 0);
      assertEquals(0, driver.segments(BlockDriver.DISCARD, 1));
    }
    Arrays.fill(expected, 3 * 512, 703 * 512, (byte) 0);
    Arrays.fill(expected, 1000 * 512, 1009 * 512, (byte) 0);
    byte[] actual = Files.readAllBytes(path);
    assertEquals(LENGTH, actual.length);
    assertArrayEquals(Arrays.copyOf(expected, 2040 * 512), Arrays.copyOf(actual, 2040 * 512));
  }

  /** /dev/shm is tmpfs, which can't do FALLOC_FL_ZERO_RANGE. */
  @Test
  void writeZeroesWhereTheFileSystemHasNoCommandForIt() throws Exception {
    Path shm = Path.of("/dev/shm");
    assumeTrue(Files.isWritable(shm));
    Path path = Files.createTempFile(shm, "jkvm-test", ".img");
    try {
      byte[] ones = new byte[LENGTH];
      Arrays.fill(ones, (byte) 1);
      Files.write(path, ones);
      try (RawImage disk = RawImage.open(path, false)) {
        disk.writeZeroes(512, 300 * 512, false);
      }
      Arrays.fill(ones, 512, 301 * 512, (byte) 0);
      assertArrayEquals(ones, Files.readAllBytes(path));
    } finally {
      Files.delete(path);
    }
  }

  @Test
  void aFileTruncatedInUseIsAnError() throws Exception {
    Path path = image(LENGTH);
    try (GuestMemory memory = GuestMemory.allocate(4 << 20);
        RawImage disk = RawImage.open(path, false)) {
      VirtioBlock device = new VirtioBlock(disk, "x");
      BlockDriver driver = new BlockDriver(memory, device);
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
        channel.truncate(700);
      }
      assertEquals(0, driver.request(BlockDriver.IN, 0, in(DATA, 512)));
      assertEquals(BlockDriver.IO_ERROR, driver.request(BlockDriver.IN, 1, in(DATA, 512)));
      assertEquals(BlockDriver.IO_ERROR, driver.request(BlockDriver.IN, 9, in(DATA, 512)));
      IoVector vector = new IoVector(1);
      vector.add(memory.hostAddress(DATA, 512), 512);
      Exception e = assertThrows(DiskException.class, () -> disk.read(vector, 512));
      assertTrue(e.getMessage().contains("nothing at byte 700: it was truncated"), e.getMessage());
    }
  }

  @Test
  void aFullHostDiskIsAnError() throws Exception {
    // Every write to /dev/full is ENOSPC.
    try (Fd full = Fd.open("/dev/full", Libc.O_RDWR)) {
      RawImage disk = new RawImage("full", full, LENGTH, 512, false);
      IoVector vector = new IoVector(1);
      NativeMemory data = new NativeMemory(512);
      vector.add(data.address(), 512);
      Exception e = assertThrows(IOException.class, () -> disk.write(vector, 0));
      assertTrue(e.getMessage().contains("disk full: pwritev at byte 0: ENOSPC"), e.getMessage());
    }
  }

  @Test
  void oneWriterOrManyReaders() throws Exception {
    Path path = image(4096);
    try (RawImage writer = RawImage.open(path, false)) {
      assertFalse(writer.readOnly());
      assertRefused(path, false, Kind.IN_USE, "in use: it is open elsewhere");
      assertRefused(path, true, Kind.IN_USE_FOR_WRITING, "open for writing elsewhere");
    }
    try (RawImage first = RawImage.open(path, true);
        RawImage second = RawImage.open(path, true)) {
      assertTrue(first.readOnly() && second.readOnly());
      assertRefused(path, false, Kind.IN_USE, "in use");
    }
    RawImage.open(path, false).close();
  }

  /** As after a process that was killed, whose files the kernel holds for a moment. */
  @Test
  void aLockThatIsGivenUpMeanwhileIsNone() throws Exception {
    Path path = image(4096);
    Openings.whileInUse(() -> path, () -> null).close();
    RawImage.open(path, false).close();
  }

  @Test
  void whatGetsItsNameMeanwhileIsAnotherDisk() throws Exception {
    Path path = image(4096);
    Callable<?> replace =
        () -> {
          Files.move(path, folder.resolve("moved"), StandardCopyOption.REPLACE_EXISTING);
          return Files.write(path, new byte[8192]);
        };
    try (RawImage disk = Openings.whileInUse(() -> Files.write(path, new byte[4096]), replace)) {
      assertEquals(4096, disk.capacityBytes());
    }
  }

  @Test
  void whatCanNotBeADiskIsRefused() throws Exception {
    assertRefused(folder.resolve("missing.img"), false, Kind.ABSENT, "no such file");
    assertRefused(folder, false, Kind.DIRECTORY, "directory");
    assertRefused(
        Path.of("/dev/null"), false, Kind.NOT_A_DISK, "neither a regular file nor a block device");
    assertRefused(image(0), false, Kind.EMPTY, "empty");
    assertRefused(image(1000), false, Kind.NOT_WHOLE_SECTORS, "1000 is not a multiple of 512");
    assertRefused(image(511), true, Kind.NOT_WHOLE_SECTORS, "511 is not a multiple of 512");
    Files.createSymbolicLink(folder.resolve("link"), folder.resolve("gone"));
    assertRefused(folder.resolve("link"), false, Kind.ABSENT, "no such file");
    assertRefused(
        folder.resolve("disk.img").resolve("x"), false, Kind.UNREACHABLE, "can't be looked at");
  }

  @Test
  void aRefusedFileIsNotKeptLocked() throws Exception {
    Path path = image(1000);
    assertRefused(path, false, Kind.NOT_WHOLE_SECTORS, "1000");
    image(1024);
    RawImage.open(path, false).close();
  }

  @Test
  void defaultIdIsTheFileName() {
    assertEquals("disk.img", VirtioBlock.defaultId(Path.of("/a b/disk.img")));
    assertEquals("disk", VirtioBlock.defaultId(Path.of("/")));
  }
}
