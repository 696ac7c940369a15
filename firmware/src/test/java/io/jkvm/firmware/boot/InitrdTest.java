// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.boot.BootException.Kind;
import io.jkvm.firmware.testing.Boots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InitrdTest {
  private static final String NAME = "initramfs.cpio";
  private static final long MIB = 1 << 20;
  private static final long NO_LIMIT = 0x7FFFFFFF;

  @TempDir Path folder;

  @Test
  void asHighAsRamGoes() throws BootException {
    assertEquals(new Initrd(64 * MIB - 4096, 1), place(1, 20 * MIB, 64 * MIB, NO_LIMIT));
    assertEquals(new Initrd(64 * MIB - 4096, 4096), place(4096, 20 * MIB, 64 * MIB, NO_LIMIT));
    assertEquals(new Initrd(64 * MIB - 8192, 4097), place(4097, 20 * MIB, 64 * MIB, NO_LIMIT));
  }

  @Test
  void asHighAsTheKernelAllows() throws BootException {
    assertEquals(0x80000000L - MIB, place(MIB, 20 * MIB, 3072 * MIB, NO_LIMIT).address());
    assertEquals(0x38000000L - MIB, place(MIB, 20 * MIB, 3072 * MIB, 0x37FFFFFF).address());
    assertEquals(3071 * MIB, place(MIB, 20 * MIB, 3072 * MIB, 0xFFFFFFFFL).address());
    assertEquals(3071 * MIB, place(MIB, 20 * MIB, 3072 * MIB, -1).address());
  }

  @Test
  void fitsExactlyOrNotAtAll() throws BootException {
    assertEquals(20 * MIB, place(44 * MIB, 20 * MIB, 64 * MIB, NO_LIMIT).address());
    assertThrows(BootException.class, () -> place(44 * MIB + 1, 20 * MIB, 64 * MIB, NO_LIMIT));
    assertThrows(BootException.class, () -> place(44 * MIB, 20 * MIB + 1, 64 * MIB, NO_LIMIT));
    assertThrows(BootException.class, () -> place(1, 64 * MIB, 64 * MIB, NO_LIMIT));
  }

  @Test
  void tooLargeNamesBothSizes() {
    for (long size : new long[] {100 * MIB, 1L << 40, Long.MAX_VALUE}) {
      BootException e =
          assertThrows(BootException.class, () -> place(size, 20 * MIB, 64 * MIB, NO_LIMIT));
      assertTrue(e.getMessage().contains("initramfs.cpio is too large"), e.getMessage());
      assertTrue(e.getMessage().contains("44 MiB"), e.getMessage());
      assertEquals(Kind.MEMORY_TOO_SMALL, e.kind());
      assertFalse(e.getMessage().contains("\n"), e.getMessage());
    }
    BootException e =
        assertThrows(
            BootException.class, () -> place(100 * MIB, 20 * MIB, 256 * MIB, 64 * MIB - 1));
    assertTrue(e.getMessage().contains("has 100 MiB, but there are 44 MiB"), e.getMessage());
    assertEquals(Kind.INITRD_TOO_LARGE, e.kind(), "more memory would not help");
    e =
        assertThrows(
            BootException.class, () -> place(3071 * MIB, 20 * MIB, 3072 * MIB, 0xFFFFFFFFL));
    assertEquals(Kind.INITRD_TOO_LARGE, e.kind(), "RAM goes on above the device window only");
  }

  @Test
  void readsTheFileIntoRam() throws IOException, GuestFault {
    byte[] content = new byte[3_000_001];
    new Random(1).nextBytes(content);
    Path file = Files.write(folder.resolve("initrd"), content);
    try (GuestMemory memory = GuestMemory.allocate(64 * MIB)) {
      Initrd initrd = Initrd.load(memory, List.of(file), 20 * MIB, NO_LIMIT);
      assertEquals(content.length, initrd.size());
      assertArrayEquals(content, Boots.read(memory, initrd.address(), content.length));
    }
  }

  @Test
  void readsAcrossAMultipleOfOneGib() throws IOException, GuestFault {
    byte[] content = new byte[1 << 20];
    new Random(2).nextBytes(content);
    Path file = Files.write(folder.resolve("initrd"), content);
    try (GuestMemory memory = GuestMemory.allocate(1024 * MIB + 512 * 1024)) {
      Initrd initrd = Initrd.load(memory, List.of(file), 20 * MIB, NO_LIMIT);
      assertEquals(1024 * MIB - 512 * 1024, initrd.address());
      assertArrayEquals(content, Boots.read(memory, initrd.address(), content.length));
    }
  }

  @Test
  void eachFileBeginsAtAMultipleOfFour() throws IOException, GuestFault {
    int[] sizes = {5, 8, 4097, 2, 3};
    List<Path> files = new ArrayList<>();
    ByteArrayOutputStream expected = new ByteArrayOutputStream();
    Random random = new Random(3);
    for (int size : sizes) {
      byte[] content = new byte[size];
      random.nextBytes(content);
      files.add(Files.write(folder.resolve("initrd" + files.size()), content));
      expected.write(new byte[-expected.size() & 3]);
      expected.write(content);
    }
    try (GuestMemory memory = GuestMemory.allocate(64 * MIB)) {
      Initrd initrd = Initrd.load(memory, files, 20 * MIB, NO_LIMIT);
      assertEquals(8 + 8 + 4100 + 4 + 3, initrd.size());
      assertEquals(64 * MIB - 8192, initrd.address());
      assertArrayEquals(
          expected.toByteArray(), Boots.read(memory, initrd.address(), (int) initrd.size()));
    }
  }

  @Test
  void severalFilesTogetherTooLarge() throws IOException {
    Path small = Files.write(folder.resolve("small"), new byte[10]);
    Path half = sparse("half", 22 * MIB);
    Path huge = sparse("huge", (8L << 40) - 1);
    List<List<Path>> tooLarge =
        List.of(List.of(half, half, small), List.of(small, huge), List.of(huge, huge, small));
    for (List<Path> files : tooLarge) {
      try (GuestMemory memory = GuestMemory.allocate(64 * MIB)) {
        BootException e =
            assertThrows(BootException.class, () -> Initrd.load(memory, files, 20 * MIB, NO_LIMIT));
        assertTrue(e.getMessage().contains(files.get(0) + " + " + files.get(1)), e.getMessage());
        assertTrue(e.getMessage().contains(" is too large: it has "), e.getMessage());
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
      }
    }
  }

  @Test
  void theBadOneOfSeveralIsNamed() throws IOException {
    Path good = Files.write(folder.resolve("good"), new byte[10]);
    Path absent = folder.resolve("absent");
    try (GuestMemory memory = GuestMemory.allocate(64 * MIB)) {
      BootException e =
          assertThrows(
              BootException.class,
              () -> Initrd.load(memory, List.of(good, absent), 20 * MIB, NO_LIMIT));
      assertTrue(e.getMessage().startsWith("initrd " + absent + " does not exist"), e.getMessage());
    }
  }

  @Test
  void noneIsNone() throws IOException, GuestFault {
    try (GuestMemory memory = GuestMemory.allocate(64 * MIB)) {
      assertEquals(Initrd.NONE, Initrd.load(memory, List.of(), 20 * MIB, NO_LIMIT));
    }
  }

  @Test
  void badFiles() throws IOException {
    assertProblem(folder.resolve("absent"), Kind.INITRD_ABSENT, "does not exist");
    assertProblem(folder, Kind.INITRD_DIRECTORY, "is a directory");
    assertProblem(Path.of("/dev/zero"), Kind.INITRD_NOT_A_FILE, "is not a regular file");
    assertProblem(Files.createFile(folder.resolve("empty")), Kind.INITRD_EMPTY, "is empty");
    assertProblem(sparse("large", 1L << 40), Kind.MEMORY_TOO_SMALL, "is too large");
  }

  @Test
  void whatIsNoInitrdIsNotTakenForOne() throws IOException {
    byte[] kernel = new byte[1024];
    System.arraycopy(new byte[] {'H', 'd', 'r', 'S'}, 0, kernel, 0x202, 4);
    Map<String, byte[]> files =
        Map.of(
            "a kernel", kernel,
            "an ELF file", new byte[] {0x7f, 'E', 'L', 'F', 2},
            "a qcow2 image", new byte[] {'Q', 'F', 'I', (byte) 0xfb},
            "a VMDK image", new byte[] {'K', 'D', 'M', 'V'},
            "a ZIP archive", new byte[] {'P', 'K', 3, 4});
    for (var file : files.entrySet()) {
      Path path = Files.write(folder.resolve("other"), file.getValue());
      assertProblem(path, Kind.INITRD_OTHER_FORMAT, "is " + file.getKey());
    }
  }

  private Path sparse(String name, long size) throws IOException {
    Path file = folder.resolve(name);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(size);
    }
    return file;
  }

  private static void assertProblem(Path file, Kind kind, String problem) throws IOException {
    try (GuestMemory memory = GuestMemory.allocate(64 * MIB)) {
      BootException e =
          assertThrows(
              BootException.class, () -> Initrd.load(memory, List.of(file), 20 * MIB, NO_LIMIT));
      assertTrue(e.getMessage().startsWith("initrd " + file + " " + problem), e.getMessage());
      assertEquals(kind, e.kind(), e.getMessage());
      assertFalse(e.getMessage().contains("\n"), e.getMessage());
    }
  }

  private static Initrd place(long size, long kernelEnd, long lowRamEnd, long addressMax)
      throws BootException {
    return Initrd.place(NAME, size, kernelEnd, lowRamEnd, addressMax);
  }
}
