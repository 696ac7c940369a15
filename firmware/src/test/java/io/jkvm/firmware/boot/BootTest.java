// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.bios.MiniBios;
import io.jkvm.firmware.boot.BootException.Kind;
import io.jkvm.firmware.cpu.LongModeEntry;
import io.jkvm.firmware.cpu.ResetVector;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelImage;
import io.jkvm.firmware.kernel.payload.PayloadFormat;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.testing.Boots;
import io.jkvm.firmware.testing.KernelFiles;
import io.jkvm.firmware.testing.Payloads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The ways to boot a bzImage, and an ELF at its 64-bit entry: what is in guest RAM, and where the
 * vCPU starts.
 */
class BootTest {
  private static final byte[] ELF = KernelFiles.elf(10_000);
  private static final String COMMAND_LINE = "console=ttyS0 name=Größe";

  @TempDir Path folder;
  private GuestMemory memory;
  private Path initrd;
  private byte[] image;

  @BeforeEach
  void make() throws IOException {
    memory = GuestMemory.allocate(64 << 20);
    initrd = Files.write(folder.resolve("initrd"), new byte[5000]);
    image = KernelFiles.bzImage(Payloads.pack(PayloadFormat.LZ4, ELF));
  }

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void directBootOfABzImage() throws IOException, GuestFault {
    change(b -> b.put(0x211, (byte) 3));
    BzImage kernel = bzImage();
    LongModeEntry entry = DirectBoot.load(config(), unpacked(kernel));
    assertEquals(KernelFiles.KERNEL_ADDRESS + 0x40, entry.rip());
    assertArrayEquals(
        Arrays.copyOfRange(ELF, 0x1000, 0x1000 + 10_000),
        Boots.read(memory, KernelFiles.KERNEL_ADDRESS, 10_000));
    assertZeroPage(0x020F);
    assertEquals(1, memory.readU8(0x7211), "LOADED_HIGH without the KASLR flag");
    assertEquals(KernelFiles.INIT_BYTES, memory.readU32(0x7260), "the kernel's own header");
    assertLongMode(entry);
    assertMpTable();
    assertRestartStub();
  }

  @Test
  void directBootOfAnElf() throws IOException, GuestFault {
    ElfKernel kernel = (ElfKernel) KernelImage.open(Files.write(folder.resolve("vmlinux"), ELF));
    LongModeEntry entry = DirectBoot.load(config(), UnpackedKernel.of(kernel));
    assertEquals(KernelFiles.KERNEL_ADDRESS + 0x40, entry.rip());
    assertZeroPage(0x020F);
    assertEquals(0xAA55, memory.readU16(0x71FE));
    assertEquals(0x53726448, memory.readU32(0x7202));
    assertLongMode(entry);
    assertMpTable();
    assertRestartStub();
  }

  @Test
  void bzImageBootWhereTheKernelPrefers() throws IOException, GuestFault {
    LongModeEntry entry = BzImageBoot.load(config(), bzImage());
    assertEquals(KernelFiles.KERNEL_ADDRESS + 0x200, entry.rip());
    assertProtectedMode(KernelFiles.KERNEL_ADDRESS);
    assertZeroPage(0x020F);
    assertLongMode(entry);
    assertMpTable();
    assertRestartStub();
  }

  /** mov al, 0xFE; out 0x64, al; hlt, where real-mode code jumps to restart a PC. */
  private void assertRestartStub() throws GuestFault {
    byte[] expected = {(byte) 0xB0, (byte) 0xFE, (byte) 0xE6, 0x64, (byte) 0xF4};
    assertArrayEquals(expected, Boots.read(memory, 0xFFFF0, expected.length));
  }

  @Test
  void bzImageBootThatIsNotRelocatable() throws IOException, GuestFault {
    change(b -> b.put(0x234, (byte) 0));
    assertEquals(0x100200, BzImageBoot.load(config(), bzImage()).rip());
    assertProtectedMode(0x100000);
  }

  @Test
  void bzImageBootRespectsTheAlignment() throws IOException {
    change(b -> b.putLong(0x258, 0x1000001).putInt(0x230, 0x800000));
    assertEquals(0x1800200, BzImageBoot.load(config(), bzImage()).rip());
    change(b -> b.putLong(0x258, 0x1000));
    assertEquals(0x800200, BzImageBoot.load(config(), bzImage()).rip());
  }

  @Test
  void biosBoot() throws IOException, GuestFault {
    ResetVector start = BiosBoot.load(config(), bzImage());
    byte[] rom = MiniBios.image(E820Map.of(memory), 0x1000);
    assertArrayEquals(rom, start.rom());
    // Its code; the tables are above it in RAM.
    assertArrayEquals(Arrays.copyOf(rom, 0x1000), Boots.read(memory, 0xF0000, 0x1000));
    assertProtectedMode(0x100000);
    assertEquals(0xFF, memory.readU8(0x10210), "type_of_loader");
    assertEquals(0x81, memory.readU8(0x10211), "LOADED_HIGH, CAN_USE_HEAP");
    assertEquals(0x100000, memory.readU32(0x10214), "code32_start");
    assertEquals(MiniBios.HEAP_END_PTR, memory.readU16(0x10224));
    assertEquals(MiniBios.VID_MODE_CURRENT, memory.readU16(0x101FA));
    assertEquals(0x20000, memory.readU32(0x10228), "cmd_line_ptr");
    assertEquals((64 << 20) - 8192, memory.readU32(0x10218), "ramdisk_image");
    assertEquals(5000, memory.readU32(0x1021C), "ramdisk_size");
    byte[] setup = Boots.read(memory, 0x10000, KernelFiles.SETUP_BYTES);
    byte[] same = Arrays.copyOf(image, KernelFiles.SETUP_BYTES);
    assertArrayEquals(Arrays.copyOf(same, 0x1F1), Arrays.copyOf(setup, 0x1F1));
    assertArrayEquals(
        Arrays.copyOfRange(same, 0x22C, same.length),
        Arrays.copyOfRange(setup, 0x22C, setup.length));
    assertCommandLine();
    assertMpTable();
    assertRestartStub();
  }

  @Test
  void noInitrd() throws IOException, GuestFault {
    BzImage kernel = bzImage();
    DirectBoot.load(Boots.config(memory, ""), unpacked(kernel));
    assertEquals(0, memory.readU32(0x7218));
    assertEquals(0, memory.readU32(0x721C));
    assertEquals(0, memory.readU8(0x20000));
  }

  @Test
  void commandLineLimits() throws IOException {
    change(b -> b.putInt(0x238, 100));
    BzImage kernel = bzImage();
    DirectBoot.load(Boots.config(memory, "x".repeat(100)), unpacked(kernel));
    BootConfig longer = Boots.config(memory, "x".repeat(101));
    String problem = "has 101 bytes, but this kernel takes 100 at most";
    assertProblem(
        Kind.COMMAND_LINE_TOO_LONG, problem, () -> DirectBoot.load(longer, unpacked(kernel)));
    assertProblem(Kind.COMMAND_LINE_TOO_LONG, problem, () -> BzImageBoot.load(longer, kernel));
    assertProblem(Kind.COMMAND_LINE_TOO_LONG, problem, () -> BiosBoot.load(longer, kernel));
    BootConfig nul = Boots.config(memory, "a\0b");
    assertProblem(Kind.COMMAND_LINE_HAS_NUL, "NUL", () -> BzImageBoot.load(nul, kernel));
  }

  @Test
  void commandLineStaysInItsRoomWhateverTheKernelSays() throws IOException {
    change(b -> b.putInt(0x238, -1));
    BootConfig longer = Boots.config(memory, "x".repeat(0x10000));
    assertProblem(
        Kind.COMMAND_LINE_TOO_LONG,
        "takes 65535 at most",
        () -> BzImageBoot.load(longer, bzImage()));
  }

  @Test
  void kernelThatNeedsMoreRam() {
    change(b -> b.putInt(0x260, 100 << 20));
    String problem = "needs memory up to 116 MiB, but the machine has 64 MiB";
    assertProblem(Kind.MEMORY_TOO_SMALL, problem, () -> BzImageBoot.load(config(), bzImage()));
    assertProblem(Kind.MEMORY_TOO_SMALL, problem, () -> BiosBoot.load(config(), bzImage()));
    change(b -> b.putInt(0x260, -1));
    assertProblem(
        Kind.MEMORY_TOO_SMALL,
        "but the machine has 64 MiB",
        () -> BzImageBoot.load(config(), bzImage()));
    for (long address : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 32}) {
      change(b -> b.putLong(0x258, address));
      assertProblem(
          Kind.MEMORY_TOO_SMALL,
          "but the machine has 64 MiB",
          () -> BzImageBoot.load(config(), bzImage()));
      assertProblem(
          Kind.MEMORY_TOO_SMALL,
          "but the machine has 64 MiB",
          () -> BiosBoot.load(config(), bzImage()));
    }
  }

  @Test
  void elfThatDoesNotFit() throws IOException {
    byte[] high = ELF.clone();
    ByteBuffer b = ByteBuffer.wrap(high).order(ByteOrder.LITTLE_ENDIAN);
    b.putLong(64 + 24, 80 << 20).putLong(24, 80 << 20);
    ElfKernel above = (ElfKernel) KernelImage.open(Files.write(folder.resolve("high"), high));
    assertProblem(
        Kind.MEMORY_TOO_SMALL,
        "needs memory up to 81 MiB",
        () -> DirectBoot.load(config(), UnpackedKernel.of(above)));
    b.putLong(64 + 24, 0x7000).putLong(24, 0x7000);
    ElfKernel below = (ElfKernel) KernelImage.open(Files.write(folder.resolve("low"), high));
    assertProblem(
        Kind.KERNEL_TOO_LOW,
        "at 0x7000, among the boot tables",
        () -> DirectBoot.load(config(), UnpackedKernel.of(below)));
  }

  @Test
  void initrdAboveWhatTheKernelNeeds() throws IOException {
    Path large = Files.write(folder.resolve("large"), new byte[45 << 20]);
    BzImage kernel = bzImage();
    BootConfig config = Boots.config(memory, "", large);
    // The unpacked kernel ends at 16 MiB and 24 KiB; on its own it asks for 20 MiB.
    DirectBoot.load(config, unpacked(kernel));
    assertProblem(Kind.MEMORY_TOO_SMALL, "is too large", () -> BzImageBoot.load(config, kernel));
  }

  private void assertZeroPage(int version) throws GuestFault {
    assertEquals(version, memory.readU16(0x7206));
    assertEquals(0xFF, memory.readU8(0x7210), "type_of_loader");
    assertEquals(0x20000, memory.readU32(0x7228), "cmd_line_ptr");
    assertEquals((64 << 20) - 8192, memory.readU32(0x7218), "ramdisk_image");
    assertEquals(5000, memory.readU32(0x721C), "ramdisk_size");
    assertEquals(0, memory.readU32(0x70C0), "ext_ramdisk_image");
    assertEquals(0, memory.readU8(0x71EF), "sentinel");
    assertEquals(63 << 10, memory.readU32(0x71E0), "alt_mem_k");
    assertEquals(5, memory.readU8(0x71E8), "e820_entries");
    assertEquals(0x100000, memory.readU64(0x72D0 + 3 * 20));
    assertEquals(63 << 20, memory.readU64(0x72D0 + 3 * 20 + 8));
    assertEquals(1, memory.readU32(0x72D0 + 3 * 20 + 16));
    assertCommandLine();
  }

  private void assertCommandLine() throws GuestFault {
    byte[] expected = (COMMAND_LINE + "\0").getBytes(StandardCharsets.UTF_8);
    assertArrayEquals(expected, Boots.read(memory, 0x20000, expected.length));
  }

  private void assertMpTable() throws GuestFault {
    assertEquals(0x5F504D5F, memory.readU32(0x9FC00));
  }

  private void assertProtectedMode(long address) throws GuestFault {
    byte[] expected = Arrays.copyOfRange(image, KernelFiles.SETUP_BYTES, image.length);
    assertArrayEquals(expected, Boots.read(memory, address, expected.length));
  }

  private void assertLongMode(LongModeEntry entry) throws GuestFault {
    assertEquals(0x7000, entry.rsi());
    assertEquals(31, entry.gdtLimit());
    assertEquals(0x00AF9B000000FFFFL, memory.readU64(entry.gdtBase() + 0x10));
    assertEquals(0x00CF93000000FFFFL, memory.readU64(entry.gdtBase() + 0x18));
    for (long address = 0x1234; address < 1L << 32; address += 0x3FFF000) {
      assertEquals(address, translate(entry.cr3(), address));
    }
    assertEquals(0xFFFFFFFFL, translate(entry.cr3(), 0xFFFFFFFFL));
    assertEquals(-1, translate(entry.cr3(), 1L << 32), "not mapped");
  }

  /** Walks page tables of 2 MiB pages. */
  private long translate(long cr3, long address) throws GuestFault {
    long table = cr3;
    for (int shift = 39; shift >= 21; shift -= 9) {
      long entry = memory.readU64(table + (address >>> shift & 0x1FF) * 8);
      if ((entry & 3) != 3) {
        return -1;
      }
      assertEquals(shift == 21, (entry & 0x80) != 0, "large");
      table = entry & 0xFFFFFFFFFF000L;
    }
    return table + (address & 0x1FFFFF);
  }

  private interface Loading {
    Object load() throws IOException;
  }

  private static void assertProblem(Kind kind, String problem, Loading loading) {
    BootException e = assertThrows(BootException.class, loading::load);
    assertEquals(kind, e.kind(), e.getMessage());
    assertTrue(e.getMessage().contains(problem), e.getMessage());
    assertFalse(e.getMessage().contains("\n"), e.getMessage());
  }

  private BootConfig config() {
    return Boots.config(memory, COMMAND_LINE, initrd);
  }

  private void change(Consumer<ByteBuffer> change) {
    change.accept(ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN));
  }

  private static UnpackedKernel unpacked(BzImage kernel) throws IOException {
    return UnpackedKernel.of(kernel, kernel.unpack());
  }

  private BzImage bzImage() throws IOException {
    return (BzImage) KernelImage.open(Files.write(folder.resolve("bzImage"), image));
  }
}
