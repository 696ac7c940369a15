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
import io.jkvm.firmware.cpu.ProtectedModeEntry;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelImage;
import io.jkvm.firmware.kernel.payload.PayloadFormat;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.E820Map.Entry;
import io.jkvm.firmware.tables.AcpiConfig;
import io.jkvm.firmware.testing.Boots;
import io.jkvm.firmware.testing.KernelFiles;
import io.jkvm.firmware.testing.Payloads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The PVH entry: what struct hvm_start_info says, and where the vCPU starts. */
class PvhBootTest {
  private static final byte[] ELF = KernelFiles.elf(10_000);
  private static final long START_INFO = 0x6000;
  private static final long RSDP = 0xF1100;
  private static final int NOTE_HEADER = 64 + 2 * 56;

  @TempDir Path folder;
  private GuestMemory memory;
  private Path initrd;

  @BeforeEach
  void make() throws IOException {
    memory = GuestMemory.allocate(64 << 20);
    initrd = Files.write(folder.resolve("initrd"), new byte[5000]);
  }

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void anElf() throws IOException, GuestFault {
    ProtectedModeEntry entry =
        PvhBoot.load(Boots.config(memory, "a=ö", initrd), UnpackedKernel.of(elf(b -> {})));
    assertLoaded(entry);
    assertEquals(1, memory.readU32(START_INFO + 12), "nr_modules");
    long modules = memory.readU64(START_INFO + 16);
    assertEquals((64 << 20) - 8192, memory.readU64(modules), "paddr");
    assertEquals(5000, memory.readU64(modules + 8), "size");
    assertEquals(0, memory.readU64(modules + 16), "cmdline_paddr");
    assertEquals(0, memory.readU64(modules + 24), "reserved");
    byte[] text = "a=ö\0".getBytes(StandardCharsets.UTF_8);
    assertArrayEquals(text, Boots.read(memory, memory.readU64(START_INFO + 24), text.length));
    assertEquals(0, memory.readU64(START_INFO + 32), "rsdp_paddr");
    assertMap();
    assertEquals(0x5F504D5F, memory.readU32(0x9FC00), "MP table");
  }

  @Test
  void aBzImage() throws IOException, GuestFault {
    BzImage image = bzImage(b -> {});
    ProtectedModeEntry entry =
        PvhBoot.load(Boots.config(memory, ""), UnpackedKernel.of(image, image.unpack()));
    assertLoaded(entry);
    assertMap();
    BzImage brief = bzImage(b -> b.putInt(0x238, 5));
    BootConfig longer = Boots.config(memory, "123456");
    assertProblem(
        Kind.COMMAND_LINE_TOO_LONG,
        "takes 5 at most",
        () -> PvhBoot.load(longer, UnpackedKernel.of(brief, brief.unpack())));
    BzImage low = bzImage(b -> b.putInt(0x22C, 0x1FFFFFF));
    PvhBoot.load(Boots.config(memory, "", initrd), UnpackedKernel.of(low, low.unpack()));
    assertEquals(0x2000000 - 8192, memory.readU64(memory.readU64(START_INFO + 16)));
  }

  @Test
  void noInitrdNoModule() throws IOException, GuestFault {
    PvhBoot.load(Boots.config(memory, ""), UnpackedKernel.of(elf(b -> {})));
    assertEquals(0, memory.readU32(START_INFO + 12));
    assertEquals(0, memory.readU64(START_INFO + 16));
  }

  @Test
  void tellsWhereTheAcpiTablesAre() throws IOException, GuestFault {
    Optional<AcpiConfig> acpi = Optional.of(new AcpiConfig(1, List.of(), Optional.empty()));
    PvhBoot.load(
        new BootConfig(memory, E820Map.of(memory), "", List.of(), 1, 0, acpi),
        UnpackedKernel.of(elf(b -> {})));
    assertEquals(RSDP, memory.readU64(START_INFO + 32));
    assertArrayEquals("RSD PTR ".getBytes(StandardCharsets.US_ASCII), Boots.read(memory, RSDP, 8));
  }

  @Test
  void withoutTheNote() throws IOException {
    ElfKernel kernel = elf(b -> b.putInt(NOTE_HEADER, 0));
    assertProblem(
        Kind.NO_PVH_ENTRY,
        "has no PVH entry (no ELF note XEN_ELFNOTE_PHYS32_ENTRY that points into it)",
        () -> PvhBoot.load(Boots.config(memory, ""), UnpackedKernel.of(kernel)));
  }

  @Test
  void withoutA64BitEntry() throws IOException, GuestFault {
    ElfKernel kernel = elf(b -> b.putLong(24, KernelFiles.PVH_ENTRY));
    assertProblem(
        Kind.NO_64_BIT_ENTRY,
        "has no 64-bit entry, only PVH",
        () -> DirectBoot.load(Boots.config(memory, ""), UnpackedKernel.of(kernel)));
    assertLoaded(PvhBoot.load(Boots.config(memory, ""), UnpackedKernel.of(kernel)));
  }

  @Test
  void doesNotFit() throws IOException {
    ElfKernel high =
        elf(b -> b.putLong(64 + 24, 80 << 20).putLong(24, 80 << 20).putInt(0x224, 80 << 20));
    assertProblem(
        Kind.MEMORY_TOO_SMALL,
        "needs memory up to 81 MiB",
        () -> PvhBoot.load(Boots.config(memory, ""), UnpackedKernel.of(high)));
    ElfKernel low = elf(b -> b.putLong(64 + 24, 0x6000).putLong(24, 0x6000).putInt(0x224, 0x6000));
    assertProblem(
        Kind.KERNEL_TOO_LOW,
        "among the boot tables",
        () -> PvhBoot.load(Boots.config(memory, ""), UnpackedKernel.of(low)));
  }

  @Test
  void mapsOfAnySize() throws IOException, GuestFault {
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < 165; i++) {
      entries.add(new Entry((i + 1L) << 20, 1 << 19, E820Map.Type.RAM));
    }
    PvhStartInfo.write(memory, E820Map.of(entries), Initrd.NONE, 0);
    assertEquals(165, memory.readU32(START_INFO + 48));
    assertEquals(0, memory.readU32(0x7000), "the zero page");
    entries.add(new Entry(1L << 40, 1 << 19, E820Map.Type.RAM));
    E820Map tooMany = E820Map.of(entries);
    assertThrows(
        IllegalArgumentException.class, () -> PvhStartInfo.write(memory, tooMany, Initrd.NONE, 0));
  }

  private void assertLoaded(ProtectedModeEntry entry) throws GuestFault {
    assertEquals(KernelFiles.PVH_ENTRY, entry.eip());
    assertEquals(START_INFO, entry.ebx());
    assertArrayEquals(
        Arrays.copyOfRange(ELF, 0x1000, 0x1000 + 10_000),
        Boots.read(memory, KernelFiles.KERNEL_ADDRESS, 10_000));
    assertEquals(0x336EC578, memory.readU32(START_INFO), "magic");
    assertEquals(1, memory.readU32(START_INFO + 4), "version");
    assertEquals(0, memory.readU32(START_INFO + 8), "flags");
  }

  private void assertMap() throws GuestFault {
    List<Entry> entries = E820Map.of(memory).entries();
    long table = memory.readU64(START_INFO + 40);
    assertEquals(entries.size(), memory.readU32(START_INFO + 48), "memmap_entries");
    assertEquals(0, memory.readU32(START_INFO + 52), "reserved");
    for (Entry entry : entries) {
      assertEquals(entry.address(), memory.readU64(table));
      assertEquals(entry.size(), memory.readU64(table + 8));
      assertEquals(entry.type().value(), memory.readU32(table + 16));
      assertEquals(0, memory.readU32(table + 20));
      table += 24;
    }
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

  private ElfKernel elf(Consumer<ByteBuffer> change) throws IOException {
    return (ElfKernel) KernelImage.open(changed("vmlinux", ELF.clone(), change));
  }

  private BzImage bzImage(Consumer<ByteBuffer> change) throws IOException {
    byte[] image = KernelFiles.bzImage(Payloads.pack(PayloadFormat.LZ4, ELF));
    return (BzImage) KernelImage.open(changed("bzImage", image, change));
  }

  private Path changed(String name, byte[] bytes, Consumer<ByteBuffer> change) throws IOException {
    change.accept(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    return Files.write(folder.resolve(name), bytes);
  }
}
