// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelModuleTest {
  private static final Optional<String> RELEASE = Optional.of("6.1.7-x");
  private static final byte[] ELF =
      KernelFiles.module(
          "license=GPL",
          "alias=virtio:d00000013v*",
          "depends=vsock,virtio-ring",
          "softdep=pre: crc32c crypto-sha256 post: late",
          "vermagic=6.1.7-x SMP preempt mod_unload ");

  @TempDir Path folder;

  @Test
  void readsEveryCompression() throws IOException {
    for (ModuleCompression compression : ModuleCompression.values()) {
      Path file = folder.resolve("my-driver" + compression.suffix());
      Files.write(file, KernelFiles.pack(compression, ELF));
      KernelModule module = KernelModule.of(file, RELEASE);
      assertEquals("my_driver", module.name());
      assertEquals(compression, module.compression());
      assertEquals(List.of("vsock", "virtio-ring"), module.depends());
      assertArrayEquals(ELF, module.read());
      Files.write(file, "damaged".getBytes());
      assertEquals(Problem.MODULE_DAMAGED, refused(module).problem(), compression.toString());
    }
  }

  @Test
  void aSignatureStaysWhereItIs() throws IOException {
    byte[] signed = Arrays.copyOf(ELF, ELF.length + 100);
    Path file = Files.write(folder.resolve("a.ko"), signed);
    assertArrayEquals(signed, KernelModule.of(file, RELEASE).read());
  }

  @Test
  void aModuleOfAnotherVersionNamesBoth() throws IOException {
    Path file = Files.write(folder.resolve("a.ko"), ELF);
    MachineException e = refused(KernelModule.of(file, Optional.of("6.12.0")));
    assertEquals(Problem.MODULE_OTHER_KERNEL, e.problem());
    assertEquals(
        "module " + file + " is for kernel 6.1.7-x, and the kernel is 6.12.0", e.getMessage());
    assertArrayEquals(ELF, KernelModule.of(file, Optional.empty()).read(), "nothing to compare");
  }

  @Test
  void aModuleThatNamesNoKernelIsRefused() throws IOException {
    Path file = Files.write(folder.resolve("a.ko"), KernelFiles.module("depends="));
    KernelModule module = KernelModule.of(file, RELEASE);
    assertEquals(List.of(), module.depends());
    assertEquals(Problem.MODULE_DAMAGED, refused(module).problem());
  }

  @Test
  void aModuleThatIsGoneIsUnreadable() {
    KernelModule module =
        new KernelModule("a", folder.resolve("a.ko"), List.of(), ModuleCompression.NONE, RELEASE);
    MachineException e = refused(module);
    assertEquals(Problem.MODULE_UNREADABLE, e.problem());
    assertTrue(e.getMessage().endsWith("can't be read (it does not exist)"), e.getMessage());
  }

  @Test
  void aBombGoesNoFurtherThanItsBound() throws IOException {
    byte[] bomb = KernelFiles.gzip(new byte[(256 << 20) + 1]);
    Path file = Files.write(folder.resolve("a.ko.gz"), bomb);
    MachineException e = assertThrows(MachineException.class, () -> KernelModule.of(file, RELEASE));
    assertEquals(Problem.MODULE_DAMAGED, e.problem());
    assertTrue(e.getMessage().contains("more than 268435456 bytes"), e.getMessage());
  }

  @Test
  void numbersOfAHostileModuleAreChecked() throws IOException {
    long[] bad = {-1, 0, Long.MIN_VALUE, Long.MAX_VALUE, ELF.length, ELF.length - 8, 1L << 40};
    int table = (int) ByteBuffer.wrap(ELF).order(ByteOrder.LITTLE_ENDIAN).getLong(40);
    for (int field : new int[] {40, table + 64 + 24, table + 64 + 32, table + 128 + 32}) {
      for (long value : bad) {
        byte[] elf = ELF.clone();
        ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN).putLong(field, value);
        parsesOrRefuses(elf);
      }
    }
  }

  @Test
  void randomDamageIsNoDefect() throws IOException {
    Random random = new Random(1);
    for (int i = 0; i < 2000; i++) {
      byte[] elf = Arrays.copyOf(ELF, i % 7 == 0 ? random.nextInt(ELF.length) : ELF.length);
      for (int n = 0; n < 4 && elf.length > 0; n++) {
        elf[random.nextInt(elf.length)] = (byte) random.nextInt();
      }
      parsesOrRefuses(elf);
    }
  }

  /** What else is thrown, an OutOfMemoryError included, fails the test. */
  private static void parsesOrRefuses(byte[] elf) {
    try {
      ModuleInfo.parse(new ModuleInfo.HeapBytes(elf)).depends();
    } catch (IOException e) {
      assertEquals(1, e.getMessage().lines().count());
    }
  }

  @Test
  void readsWhatAModuleSaysOfItself() throws IOException {
    ModuleInfo info = ModuleInfo.parse(new ModuleInfo.HeapBytes(ELF));
    assertEquals(List.of("crc32c", "crypto-sha256"), info.softDepends());
    assertEquals(RELEASE, info.release());
    assertEquals(List.of("GPL"), info.values("license").toList());
  }

  @Test
  void onlyFilesOfModulesHaveNames() {
    assertEquals(Optional.of("virtio_rng"), KernelModule.nameOf("kernel/drivers/virtio-rng.ko.xz"));
    for (String other : new String[] {"a.ko.bak", ".ko", "ko", "a.o", "tutor.ko.txt", ""}) {
      assertEquals(Optional.empty(), KernelModule.nameOf(other), other);
    }
  }

  private static MachineException refused(KernelModule module) {
    return assertThrows(MachineException.class, module::read);
  }
}
