// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

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
import io.jkvm.devices.storage.DiskException.Kind;
import java.lang.ref.Reference;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Direct I/O by calls: aligned or not, in blocks of a sector and in larger ones. */
@Timeout(300)
class DirectImageTest {
  private static final int LENGTH = 1 << 20;
  private static final long FADVISE64 = 221;
  private static final long CACHESTAT = 451;
  private static final int POSIX_FADV_DONTNEED = 4;

  @TempDir Path folder;

  private final NativeMemory memory = NativeMemory.aligned(2 * LENGTH, 4096);
  private final Random random = new Random(3);

  private Path image(int length) throws Exception {
    byte[] content = new byte[length];
    random.nextBytes(content);
    return Files.write(folder.resolve("disk.img"), content);
  }

  /** Writes, or reads and compares, by ranges of odd lengths at odd addresses. */
  private void transfer(RawImage disk, byte[] model, boolean write, int at, int length)
      throws Exception {
    int parts = 1 + random.nextInt(8);
    IoVector ranges = new IoVector(parts);
    byte[] data = write ? new byte[length] : Arrays.copyOfRange(model, at, at + length);
    if (write) {
      random.nextBytes(data);
    }
    int[] places = new int[parts];
    int[] lengths = new int[parts];
    for (int i = 0, from = 0, place = 0; i < parts; i++) {
      place += random.nextInt(4) == 0 ? random.nextInt(600) : -place & 511;
      places[i] = place;
      lengths[i] = i == parts - 1 ? length - from : random.nextInt(length - from + 1) & -4;
      ranges.add(memory.address() + place, lengths[i]);
      memory.buffer().put(place, write ? data : new byte[lengths[i]], write ? from : 0, lengths[i]);
      place += lengths[i];
      from += lengths[i];
    }
    if (write) {
      disk.write(ranges, at);
      System.arraycopy(data, 0, model, at, length);
      return;
    }
    disk.read(ranges, at);
    byte[] read = new byte[length];
    for (int i = 0, from = 0; i < parts; from += lengths[i++]) {
      memory.buffer().get(places[i], read, from, lengths[i]);
    }
    assertArrayEquals(data, read);
  }

  private void manyTransfers(RawImage disk, byte[] model) throws Exception {
    int sectors = model.length / 512;
    for (int round = 0; round < 500; round++) {
      int count = 1 + random.nextInt(random.nextInt(20) == 0 ? 500 : 24);
      int sector = random.nextInt(sectors - count + 1);
      transfer(disk, model, random.nextBoolean(), sector * 512, count * 512);
    }
    transfer(disk, model, true, 0, model.length);
    transfer(disk, model, false, 0, model.length);
    disk.flush();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4096, 65536})
  void anyTransferReachesTheFile(int block) throws Exception {
    Path path = image(LENGTH);
    byte[] model = Files.readAllBytes(path);
    try (RawImage disk = DirectImages.open(path, false, block)) {
      assertTrue(disk.direct());
      assertTrue(disk.directBlockBytes() >= block);
      assertEquals(512, disk.logicalBlockBytes(), "a guest has its sectors");
      manyTransfers(disk, model);
    }
    assertArrayEquals(model, Files.readAllBytes(path));
  }

  @Test
  void aDeviceWithLargeSectorsBearsSmallRequests() throws Exception {
    Path path = image(LENGTH);
    byte[] model = Files.readAllBytes(path);
    try (LoopDevice loop = LoopDevice.over(path, 4096)) {
      try (RawImage disk = DirectImages.open(loop.path(), false, 1)) {
        assertEquals(4096, disk.directBlockBytes());
        assertEquals(4096, disk.logicalBlockBytes());
        manyTransfers(disk, model);
        disk.writeZeroes(3 * 512, 40 * 512, false);
        Arrays.fill(model, 3 * 512, 43 * 512, (byte) 0);
        disk.flush();
      }
    }
    assertArrayEquals(model, Files.readAllBytes(path));
  }

  @Test
  void nothingOfItIsInThePageCache() throws Exception {
    Path path = image(LENGTH);
    IoVector ranges = new IoVector(1);
    try (RawImage disk = DirectImages.open(path, false, 1);
        Fd cached = Fd.open(path.toString(), Fd.READ_ONLY)) {
      disk.flush();
      Libc.syscall(FADVISE64, cached.value(), 0, 0, POSIX_FADV_DONTNEED, 0, 0);
      ranges.add(memory.address(), LENGTH);
      disk.write(ranges, 0);
      ranges.clear();
      ranges.add(memory.address() + 1, LENGTH);
      disk.read(ranges, 0);
      assumeTrue(!Files.getFileStore(path).type().equals("tmpfs"), "is a cache itself");
      assertEquals(0, cachedPages(cached));
    }
  }

  private static long cachedPages(Fd file) {
    NativeMemory range = new NativeMemory(16); // all of the file
    NativeMemory pages = new NativeMemory(40);
    long result = Libc.syscall(CACHESTAT, file.value(), range.address(), pages.address(), 0, 0, 0);
    Reference.reachabilityFence(range);
    assumeTrue(result == 0, "needs Linux 6.5");
    return pages.buffer().getLong(0);
  }

  /** tmpfs can't do FALLOC_FL_ZERO_RANGE; newer kernels let it be opened with O_DIRECT. */
  @ParameterizedTest
  @ValueSource(ints = {1, 4096})
  void writeZeroesWhereTheFileSystemHasNoCommandForIt(int block) throws Exception {
    Path shm = Path.of("/dev/shm");
    assumeTrue(Files.isWritable(shm));
    Path path = Files.createTempFile(shm, "jkvm-test", ".img");
    try {
      byte[] model = new byte[LENGTH];
      random.nextBytes(model);
      Files.write(path, model);
      try (RawImage disk = DirectImages.open(path, false, block)) {
        manyTransfers(disk, model);
        disk.writeZeroes(512, 300 * 512, false);
        Arrays.fill(model, 512, 301 * 512, (byte) 0);
        disk.writeZeroes(400 * 512, 512, false);
        Arrays.fill(model, 400 * 512, 401 * 512, (byte) 0);
      }
      assertArrayEquals(model, Files.readAllBytes(path));
    } finally {
      Files.delete(path);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4096})
  void writeZeroesAndDiscard(int block) throws Exception {
    Path path = image(LENGTH);
    byte[] model = Files.readAllBytes(path);
    try (RawImage disk = DirectImages.open(path, false, block)) {
      disk.writeZeroes(3 * 512, 700 * 512, false);
      Arrays.fill(model, 3 * 512, 703 * 512, (byte) 0);
      disk.writeZeroes(1001 * 512, 9 * 512, true);
      Arrays.fill(model, 1001 * 512, 1010 * 512, (byte) 0);
      transfer(disk, model, false, 0, LENGTH);
      disk.discard(2040 * 512, 8 * 512);
    }
    byte[] actual = Files.readAllBytes(path);
    assertEquals(LENGTH, actual.length);
    assertArrayEquals(Arrays.copyOf(model, 2040 * 512), Arrays.copyOf(actual, 2040 * 512));
  }

  @Test
  void aTailOfSectorsIsWrittenWhereBlocksAreSectors() throws Exception {
    Path path = image(LENGTH + 512);
    byte[] model = Files.readAllBytes(path);
    try (RawImage disk = DirectImages.open(path, true, 1)) {
      assumeTrue(disk.directBlockBytes() <= 512, "the file has larger blocks");
    }
    try (RawImage disk = DirectImages.open(path, false, 1)) {
      transfer(disk, model, true, LENGTH, 512);
      transfer(disk, model, true, LENGTH - 1024, 1536);
      transfer(disk, model, false, LENGTH - 4096, 4096 + 512);
    }
    assertArrayEquals(model, Files.readAllBytes(path));
  }

  @Test
  void aTailThatIsNoBlockIsReadButNotWritten() throws Exception {
    Path path = image(LENGTH + 512);
    byte[] model = Files.readAllBytes(path);
    try (RawImage disk = DirectImages.open(path, true, 4096)) {
      assertEquals(LENGTH + 512, disk.capacityBytes());
      transfer(disk, model, false, LENGTH, 512);
      transfer(disk, model, false, LENGTH - 512, 1024);
      transfer(disk, model, false, 0, LENGTH + 512);
    }
    DiskException e =
        assertThrows(DiskException.class, () -> DirectImages.open(path, false, 4096).close());
    assertEquals(Kind.NOT_WHOLE_BLOCKS, e.kind());
    assertTrue(e.getMessage().contains("length 1049088 is not a multiple of 4096"), e.toString());
    assertFalse(e.getMessage().contains("\n"));
    RawImage.open(path, false).close(); // and it is not kept locked
    assertArrayEquals(model, Files.readAllBytes(path));
  }

  @Test
  void aFileTruncatedInUseIsAnErrorAndGetsNoLonger() throws Exception {
    for (int block : new int[] {1, 4096}) {
      Path path = image(LENGTH);
      byte[] model = Files.readAllBytes(path);
      try (RawImage disk = DirectImages.open(path, false, block)) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
          channel.truncate(700);
        }
        transfer(disk, model, false, 0, 512);
        IoVector vector = new IoVector(1);
        for (int offset : new int[] {512, 4096}) {
          vector.clear();
          vector.add(memory.address(), 512);
          Exception e = assertThrows(DiskException.class, () -> disk.read(vector, offset));
          String end = "nothing at byte " + Math.max(700, offset) + ": it was truncated";
          assertTrue(e.getMessage().contains(end), e.getMessage());
        }
        if (disk.directBlockBytes() > 512) {
          vector.clear();
          vector.add(memory.address(), 512);
          assertThrows(DiskException.class, () -> disk.write(vector, 0));
          assertEquals(700, Files.size(path));
        }
      }
    }
  }

  @Test
  void whatHasNoDirectIoIsRefused() {
    Path path = Path.of("/proc/version"); // a regular file of a file system without it
    DiskException e =
        assertThrows(
            DiskException.class, () -> RawImage.open("vm", path, true, false, true).close());
    assertEquals(Kind.NO_DIRECT_IO, e.kind());
    assertEquals("disk vm: its file system has no direct I/O (O_DIRECT)", e.getMessage());
  }

  @Test
  void anotherFormatIsRefusedAsEver() throws Exception {
    Path path = Files.write(folder.resolve("disk"), new byte[LENGTH]);
    DirectImages.open(path, false, 4096).close();
    Files.write(path, "QFI\u00fb".getBytes(StandardCharsets.ISO_8859_1), StandardOpenOption.WRITE);
    for (int block : new int[] {1, 4096}) {
      DiskException e =
          assertThrows(DiskException.class, () -> DirectImages.open(path, true, block).close());
      assertEquals(Kind.OTHER_FORMAT, e.kind());
    }
    RawImage.open("vm", path, true, true, true).close();
  }
}
