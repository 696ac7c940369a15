// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.boot.BootException.Kind;
import io.jkvm.firmware.cpu.BootState;
import io.jkvm.firmware.cpu.LongModeEntry;
import io.jkvm.firmware.cpu.ProtectedModeEntry;
import io.jkvm.firmware.cpu.ResetVector;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.kernel.payload.PayloadFormat;
import io.jkvm.firmware.testing.Boots;
import io.jkvm.firmware.testing.KernelFiles;
import io.jkvm.firmware.testing.Payloads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which way a kernel takes, wanted or not, and that the way is then gone. */
class BootPlanTest {
  private static final byte[] ELF = KernelFiles.elf(10_000);

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(BootMode.class)
  void aBzImageTakesEveryWay(BootMode wanted) throws IOException {
    BootPlan plan = BootPlan.open(bzImage(b -> {}), wanted, "m");
    assertPlan(plan, wanted);
    Class<? extends BootState> state =
        switch (wanted) {
          case DIRECT, BZIMAGE -> LongModeEntry.class;
          case PVH -> ProtectedModeEntry.class;
          case BIOS -> ResetVector.class;
        };
    assertInstanceOf(state, load(plan));
  }

  @ParameterizedTest
  @EnumSource(
      value = BootMode.class,
      names = {"DIRECT", "PVH"})
  void anElfTakesTheWaysOfAnUnpackedKernel(BootMode wanted) throws IOException {
    BootPlan plan = BootPlan.open(elf(b -> {}), wanted, "m");
    assertPlan(plan, wanted);
    Class<? extends BootState> state =
        wanted == BootMode.PVH ? ProtectedModeEntry.class : LongModeEntry.class;
    assertInstanceOf(state, load(plan));
  }

  @ParameterizedTest
  @EnumSource(
      value = BootMode.class,
      names = {"BZIMAGE", "BIOS"})
  void anElfHasNoSetupCode(BootMode wanted) throws IOException {
    Path kernel = elf(b -> {});
    BootException e = assertThrows(BootException.class, () -> BootPlan.open(kernel, wanted, "m"));
    assertEquals(Kind.NO_SETUP_CODE, e.kind());
    assertTrue(e.getMessage().startsWith("kernel " + kernel + " is an uncompressed ELF kernel"));
  }

  @Test
  void anElfWithoutA64BitEntryIsEnteredAtItsPvhEntry() throws IOException {
    Path kernel = elf(b -> b.putLong(24, KernelFiles.PVH_ENTRY));
    BootPlan plan = BootPlan.open(kernel, BootMode.DIRECT, "m");
    assertPlan(plan, BootMode.PVH, BootNote.PVH_ENTRY_ONLY);
    assertInstanceOf(ProtectedModeEntry.class, load(plan));
  }

  @Test
  void anElfWithoutAPvhEntryIsRefusedBeforeThereIsAMachine() throws IOException {
    Path kernel = elf(b -> b.putInt(64 + 2 * 56, 0));
    BootException e =
        assertThrows(BootException.class, () -> BootPlan.open(kernel, BootMode.PVH, "m"));
    assertEquals(Kind.NO_PVH_ENTRY, e.kind());
  }

  @Test
  void aKernelPackedInAnUnknownWayUnpacksItself() throws IOException {
    for (Path kernel :
        List.of(bzImage(BootPlanTest::unknownPayload), bzImage(b -> b.putInt(0x24C, 0)))) {
      BootPlan plan = BootPlan.open(kernel, BootMode.DIRECT, "m");
      assertPlan(plan, BootMode.BZIMAGE, BootNote.PAYLOAD_UNKNOWN);
      assertInstanceOf(LongModeEntry.class, load(plan));
    }
    BootPlan plan = BootPlan.open(bzImage(BootPlanTest::unknownPayload), BootMode.PVH, "m");
    KernelFormatException e = assertThrows(KernelFormatException.class, () -> load(plan));
    assertEquals(KernelFormatException.Kind.PAYLOAD_UNKNOWN, e.kind());
  }

  @ParameterizedTest
  @EnumSource(
      value = BootMode.class,
      names = {"DIRECT", "BZIMAGE"})
  void aBzImageWithoutA64BitEntryIsStartedByTheBios(BootMode wanted) throws IOException {
    BootPlan plan = BootPlan.open(bzImage(b -> b.putShort(0x236, (short) 0x3E)), wanted, "m");
    assertPlan(plan, BootMode.BIOS, BootNote.NO_64_BIT_ENTRY);
    assertInstanceOf(ResetVector.class, load(plan));
  }

  @Test
  void aKernelTooOldToSayIsUnpackedIfThatCanBeDone() throws IOException {
    Path old = bzImage(b -> b.putShort(0x206, (short) 0x020B));
    assertPlan(BootPlan.open(old, BootMode.DIRECT, "m"), BootMode.DIRECT);
    assertPlan(BootPlan.open(old, BootMode.BZIMAGE, "m"), BootMode.BIOS, BootNote.NO_64_BIT_ENTRY);
    Path unknown = bzImage(b -> unknownPayload(b.putShort(0x206, (short) 0x020B)));
    assertPlan(
        BootPlan.open(unknown, BootMode.DIRECT, "m"),
        BootMode.BIOS,
        BootNote.PAYLOAD_UNKNOWN,
        BootNote.NO_64_BIT_ENTRY);
  }

  @Test
  void aDamagedPayloadIsReportedWhereItIsNeeded() throws IOException {
    int middle = KernelFiles.SETUP_BYTES + KernelFiles.PAYLOAD_OFFSET + 100;
    Path kernel = bzImage(b -> b.putLong(middle, -1).putLong(middle + 8, -1));
    BootPlan plan = BootPlan.open(kernel, BootMode.DIRECT, "m");
    KernelFormatException e = assertThrows(KernelFormatException.class, () -> load(plan));
    assertEquals(KernelFormatException.Kind.DAMAGED, e.kind(), e.getMessage());
  }

  private static void assertPlan(BootPlan plan, BootMode mode, BootNote... notes) {
    assertEquals(mode, plan.mode());
    assertEquals(List.of(notes), plan.notes());
  }

  private static BootState load(BootPlan plan) throws IOException {
    try (GuestMemory memory = GuestMemory.allocate(64 << 20)) {
      return plan.load(Boots.config(memory, ""));
    }
  }

  private static void unknownPayload(ByteBuffer image) {
    image.putInt(KernelFiles.SETUP_BYTES + KernelFiles.PAYLOAD_OFFSET, 0x12345678);
  }

  private Path bzImage(Consumer<ByteBuffer> change) throws IOException {
    return write(KernelFiles.bzImage(Payloads.pack(PayloadFormat.LZ4, ELF)), change);
  }

  private Path elf(Consumer<ByteBuffer> change) throws IOException {
    return write(ELF.clone(), change);
  }

  private Path write(byte[] bytes, Consumer<ByteBuffer> change) throws IOException {
    change.accept(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    return Files.write(Files.createTempFile(folder, "kernel", ""), bytes);
  }
}
