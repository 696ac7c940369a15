// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.testing.KernelFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ElfKernelTest {
  private static final int TEXT_BYTES = 10_000;
  private static final long TEXT = KernelFiles.KERNEL_ADDRESS;
  private static final long DATA = TEXT + 0x3000;
  private static final int ENTRY_FIELD = 24;
  private static final int TEXT_HEADER = 64;
  private static final int DATA_HEADER = 64 + 56;
  private static final int NOTE_HEADER = 64 + 2 * 56;
  private static final int GNU_NOTE = 0x200;
  private static final int PVH_NOTE = 0x214;
  private static final int NOTE_VALUE = PVH_NOTE + 16;
  private static final int PT_INTERP = 3;
  private static final int OFFSET = 8;
  private static final int PHYSICAL = 24;
  private static final int FILE_BYTES = 32;
  private static final int MEMORY_BYTES = 40;

  @TempDir Path folder;
  private final byte[] good = KernelFiles.elf(TEXT_BYTES);

  @Test
  void readsSegmentsAndEntries() throws IOException {
    ElfKernel kernel = open(good);
    assertEquals(
        List.of(
            new ElfSegment(0x1000, TEXT_BYTES, TEXT, 0xFFFFFFFF80000000L + TEXT, TEXT_BYTES),
            new ElfSegment(0x1000 + TEXT_BYTES, 0x800, DATA, 0xFFFFFFFF80000000L + DATA, 0x3000)),
        kernel.segments());
    assertEquals(OptionalLong.of(TEXT + 0x40), kernel.entryAddress());
    assertEquals(TEXT, kernel.startAddress());
    assertEquals(DATA + 0x3000, kernel.endAddress());
    assertEquals(OptionalLong.of(KernelFiles.PVH_ENTRY), kernel.pvhEntryAddress());
  }

  @Test
  void readsPiecesOfItsSegments() throws IOException {
    ElfKernel kernel = open(good);
    ElfSegment data = kernel.segments().get(1);
    int at = 0x1000 + TEXT_BYTES;
    assertArrayEquals(Arrays.copyOfRange(good, at, at + 0x800), kernel.read(data, 0, 0x800));
    assertArrayEquals(Arrays.copyOfRange(good, at + 9, at + 12), kernel.read(data, 9, 3));
    assertThrows(IllegalArgumentException.class, () -> kernel.read(data, 1, 0x800));
    assertThrows(IllegalArgumentException.class, () -> kernel.read(data, Long.MAX_VALUE, 1));
  }

  @Test
  void translatesAVirtualEntry() throws IOException {
    byte[] elf = withoutNote(b -> b.putLong(ENTRY_FIELD, 0xFFFFFFFF80000000L + DATA + 8));
    assertEquals(OptionalLong.of(DATA + 8), open(elf).entryAddress());
  }

  @Test
  void pvhEntryOnly() throws IOException {
    long[] no64BitEntries = {
      KernelFiles.PVH_ENTRY, 0xFFFFFFFF80000000L + TEXT, 0, TEXT - 1, DATA + 0x3000, -1
    };
    for (long entry : no64BitEntries) {
      ElfKernel kernel = open(change(b -> b.putLong(ENTRY_FIELD, entry)));
      assertEquals(OptionalLong.empty(), kernel.entryAddress());
      assertEquals(OptionalLong.of(KernelFiles.PVH_ENTRY), kernel.pvhEntryAddress());
    }
  }

  @Test
  void pvhEntryOutsideEverySegmentIsNone() throws IOException {
    for (long address : new long[] {0, TEXT - 1, TEXT + TEXT_BYTES, DATA + 0x3000, -1}) {
      ElfKernel kernel = open(change(b -> b.putInt(NOTE_VALUE, (int) address)));
      assertEquals(OptionalLong.empty(), kernel.pvhEntryAddress());
      assertEquals(OptionalLong.of(TEXT + 0x40), kernel.entryAddress());
    }
  }

  @Test
  void entryOutsideEverySegment() {
    assertProblem(withoutNote(b -> b.putLong(ENTRY_FIELD, TEXT - 1)), "is in no segment");
    assertProblem(withoutNote(b -> b.putLong(ENTRY_FIELD, DATA + 0x3000)), "is in no segment");
    assertProblem(withoutNote(b -> b.putLong(ENTRY_FIELD, -1)), "is in no segment");
  }

  @Test
  void segmentsInAnyOrder() throws IOException {
    byte[] elf = good.clone();
    System.arraycopy(good, TEXT_HEADER, elf, DATA_HEADER, 56);
    System.arraycopy(good, DATA_HEADER, elf, TEXT_HEADER, 56);
    assertEquals(TEXT, open(elf).startAddress());
    assertEquals(DATA + 0x3000, open(elf).endAddress());
  }

  @Test
  void emptySegmentsAreIgnored() throws IOException {
    byte[] elf =
        change(
            b -> {
              b.putLong(DATA_HEADER + FILE_BYTES, 0);
              b.putLong(DATA_HEADER + MEMORY_BYTES, 0);
              b.putLong(DATA_HEADER + PHYSICAL, TEXT + 5);
            });
    assertEquals(1, open(elf).segments().size());
  }

  @Test
  void segmentsThatOverlap() {
    assertProblem(change(b -> b.putLong(DATA_HEADER + PHYSICAL, TEXT + 9999)), "segments overlap");
    assertProblem(change(b -> b.putLong(DATA_HEADER + PHYSICAL, TEXT - 1)), "segments overlap");
  }

  @Test
  void segmentsOutOfBounds() {
    long[] bad = {Long.MIN_VALUE, -1, Long.MAX_VALUE, good.length + 1, 1L << 32};
    for (long value : bad) {
      assertProblem(change(b -> b.putLong(DATA_HEADER + OFFSET, value)), "truncated ELF");
      assertProblem(change(b -> b.putLong(DATA_HEADER + FILE_BYTES, value)), "truncated ELF");
    }
    assertProblem(change(b -> b.putLong(DATA_HEADER + OFFSET, good.length - 0x7FF)), "truncated");
    for (long value : new long[] {Long.MIN_VALUE, -1, Long.MAX_VALUE, 0x7FF}) {
      assertProblem(change(b -> b.putLong(DATA_HEADER + MEMORY_BYTES, value)), "damaged ELF");
    }
    for (long value : new long[] {Long.MIN_VALUE, -1, Long.MAX_VALUE}) {
      assertProblem(change(b -> b.putLong(DATA_HEADER + PHYSICAL, value)), "damaged ELF");
    }
  }

  @Test
  void programHeadersOutOfBounds() {
    for (long value : new long[] {-1, Long.MAX_VALUE, Long.MIN_VALUE, good.length - 167}) {
      assertProblem(change(b -> b.putLong(32, value)), "truncated ELF");
    }
    assertProblem(change(b -> b.putShort(56, (short) 0)), "0 program headers");
    assertProblem(change(b -> b.putShort(56, (short) 0xFFFF)), "65535 program headers");
    assertProblem(change(b -> b.putShort(54, (short) 32)), "of 32 bytes");
    assertProblem(
        change(
            b -> {
              b.putInt(TEXT_HEADER, 0);
              b.putInt(DATA_HEADER, 0);
            }),
        "nothing to load");
  }

  @Test
  void truncatedAnywhere() {
    for (int length : new int[] {4, 20, 63, 64, 100, 231, 0x1000, 0x1001, good.length - 1}) {
      assertProblem(Arrays.copyOf(good, length), "truncated ELF");
    }
  }

  @Test
  void damagedNotesAreNoNotes() throws IOException {
    assertEquals(OptionalLong.empty(), open(change(b -> b.putInt(GNU_NOTE, -1))).pvhEntryAddress());
    assertEquals(
        OptionalLong.empty(),
        open(change(b -> b.putInt(PVH_NOTE + 4, 0x7FFFFFFF))).pvhEntryAddress());
    assertEquals(
        OptionalLong.empty(), open(change(b -> b.putInt(PVH_NOTE + 8, 17))).pvhEntryAddress());
    for (long value : new long[] {-1, Long.MAX_VALUE, good.length, 0}) {
      assertEquals(
          OptionalLong.empty(),
          open(change(b -> b.putLong(NOTE_HEADER + OFFSET, value))).pvhEntryAddress());
    }
  }

  /** By the note that glibc puts into every program, also one without an interpreter. */
  @Test
  void programIsNoKernel() throws IOException {
    Consumer<ByteBuffer> noPvhNote = b -> b.putInt(PVH_NOTE + 8, 17);
    open(change(noPvhNote));
    List<Consumer<ByteBuffer>> signs =
        List.of(b -> b.putInt(GNU_NOTE + 4, 4), b -> b.putInt(DATA_HEADER, PT_INTERP));
    for (Consumer<ByteBuffer> sign : signs) {
      assertProblem(change(sign.andThen(noPvhNote)), "is a program, not a kernel");
      assertTrue(open(change(sign)).pvhEntryAddress().isPresent()); // as FreeBSD's kernel
    }
  }

  @Test
  void loadsSegmentsAndLeavesTheRestAlone() throws IOException, GuestFault {
    try (GuestMemory memory = GuestMemory.allocate(32 << 20)) {
      open(good).load(memory);
      assertArrayEquals(
          Arrays.copyOfRange(good, 0x1000, 0x1000 + TEXT_BYTES), read(memory, TEXT, TEXT_BYTES));
      assertArrayEquals(
          Arrays.copyOfRange(good, 0x1000 + TEXT_BYTES, good.length), read(memory, DATA, 0x800));
      assertArrayEquals(new byte[0x2800], read(memory, DATA + 0x800, 0x2800));
      assertEquals(0, memory.readU8(TEXT - 1));
      assertEquals(0, memory.readU8(TEXT + TEXT_BYTES));
    }
  }

  @Test
  void doesNotLoadOutsideRam() throws IOException {
    try (GuestMemory memory = GuestMemory.allocate(16 << 20)) {
      ElfKernel kernel = open(good);
      assertThrows(GuestFault.class, () -> kernel.load(memory));
    }
  }

  @Test
  void segmentAcrossAMultipleOfOneGib() throws IOException, GuestFault {
    byte[] elf =
        change(
            b -> {
              b.putLong(TEXT_HEADER + PHYSICAL, (1L << 30) - 5001);
              b.putLong(ENTRY_FIELD, 1L << 30);
            });
    try (GuestMemory memory = GuestMemory.allocate((1L << 30) + (1 << 20))) {
      open(elf).load(memory);
      assertArrayEquals(
          Arrays.copyOfRange(good, 0x1000, 0x1000 + TEXT_BYTES),
          read(memory, (1L << 30) - 5001, TEXT_BYTES));
    }
  }

  @Test
  void randomDamageNeverDoesWorseThanAnError() throws IOException, GuestFault {
    Random random = new Random(1995);
    int loaded = 0;
    try (GuestMemory memory = GuestMemory.allocate(32 << 20)) {
      for (int i = 0; i < 3000; i++) {
        byte[] elf = good.clone();
        for (int k = 1 + random.nextInt(3); k > 0; k--) {
          elf[random.nextInt(0x230)] = (byte) random.nextInt();
        }
        try {
          open(elf).load(memory);
          loaded++;
        } catch (KernelFormatException e) {
          assertFalse(e.getMessage().contains("\n"), e.getMessage());
        } catch (GuestFault e) {
          assertTrue(e.getMessage().contains("not guest RAM"), e.getMessage());
        }
      }
    }
    assertTrue(loaded > 100, "only " + loaded + " loaded");
  }

  private static byte[] read(GuestMemory memory, long address, int length) throws GuestFault {
    byte[] bytes = new byte[length];
    memory.read(address, bytes, 0, length);
    return bytes;
  }

  private byte[] withoutNote(Consumer<ByteBuffer> change) {
    return change(change.andThen(b -> b.putInt(NOTE_HEADER, 0)));
  }

  private byte[] change(Consumer<ByteBuffer> change) {
    byte[] elf = good.clone();
    change.accept(ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN));
    return elf;
  }

  private ElfKernel open(byte[] elf) throws IOException {
    KernelImage image = KernelImage.open(Files.write(folder.resolve("vmlinux"), elf));
    if (image instanceof ElfKernel kernel) {
      return kernel;
    }
    throw new AssertionError("was taken for another kind of kernel");
  }

  private void assertProblem(byte[] elf, String problem) {
    KernelFormatException e = assertThrows(KernelFormatException.class, () -> open(elf));
    assertTrue(e.getMessage().contains(problem), e.getMessage());
  }
}
