// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.jkvm.firmware.testing.KernelFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that are no kernels: each one line that names the file, the cause and the way out. */
class KernelImageTest {
  @TempDir Path folder;

  @Test
  void opensBothKinds() throws IOException {
    assertInstanceOf(BzImage.class, KernelImage.open(write(KernelFiles.bzImage(new byte[64]))));
    assertInstanceOf(ElfKernel.class, KernelImage.open(write(KernelFiles.elf(5000))));
  }

  @Test
  void missing() {
    assertProblem(folder.resolve("absent"), "does not exist: check the name");
  }

  @Test
  void directory() {
    assertProblem(folder, "is a directory");
  }

  @Test
  void unreadable() throws IOException {
    Path file = write(KernelFiles.elf(5000));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("-wx------"));
    assumeFalse(Files.isReadable(file), "root reads everything");
    assertProblem(file, "permission denied");
  }

  @Test
  void deviceIsNotRead() {
    assertProblem(Path.of("/dev/zero"), "is not a regular file");
  }

  @Test
  void empty() throws IOException {
    assertProblem(write(new byte[0]), "is empty");
  }

  @Test
  void text() throws IOException {
    assertProblem(write("# a script\necho hello\n".getBytes(StandardCharsets.UTF_8)), "text file");
    assertProblem(write("x".getBytes(StandardCharsets.UTF_8)), "text file");
    assertProblem(write("Größe: 7\n".repeat(500).getBytes(StandardCharsets.UTF_8)), "text file");
  }

  @ParameterizedTest
  @CsvSource({
    "1f8b0800, gzip-compressed file: unpack it first (gunzip)",
    "fd377a585a00, xz-compressed file: unpack it first (unxz)",
    "28b52ffd, zstd-compressed file: unpack it first (unzstd)",
    "04224d18, LZ4-compressed file: unpack it first (unlz4)",
    "02214c18, LZ4-compressed file: unpack it first (unlz4)",
    "425a6839, bzip2-compressed file: unpack it first (bunzip2)",
    "303730373031, give it with --initrd",
    "c7710000, give it with --initrd",
    "27051956, U-Boot image",
    "4d5a9000, is an EFI program that only UEFI firmware can start",
    "4d5a00007a696d67, is a compressed EFI kernel (zboot) that only UEFI",
    "00010203, is not a Linux kernel"
  })
  void knownByFirstBytes(String hex, String problem) throws IOException {
    byte[] start = HexFormat.of().parseHex(hex);
    for (int length : new int[] {start.length, 200, 5000}) {
      assertProblem(write(Arrays.copyOf(start, Math.max(length, start.length))), problem);
    }
  }

  @Test
  void otherMachinesImages() throws IOException {
    byte[] file = new byte[4096];
    file[0] = 'M';
    file[1] = 'Z';
    System.arraycopy("ARMd".getBytes(StandardCharsets.US_ASCII), 0, file, 56, 4);
    assertProblem(write(file), "ARM64 kernel");
    System.arraycopy(HexFormat.of().parseHex("52534305"), 0, file, 56, 4);
    assertProblem(write(file), "RISC-V kernel");
    byte[] early = new byte[4096];
    System.arraycopy("RISCV".getBytes(StandardCharsets.US_ASCII), 0, early, 0x30, 5);
    assertProblem(write(early), "RISC-V kernel");
    byte[] arm = new byte[4096];
    System.arraycopy(HexFormat.of().parseHex("18286f01"), 0, arm, 0x24, 4);
    assertProblem(write(arm), "32-bit ARM kernel");
    System.arraycopy(HexFormat.of().parseHex("016f2818"), 0, arm, 0x24, 4);
    assertProblem(write(arm), "32-bit ARM kernel");
  }

  @ParameterizedTest
  @CsvSource({
    "8664, ' for x86-64 that only UEFI firmware can start (it has no Linux boot header): give the'",
    "014c, ' for 32-bit x86: give a kernel built for x86-64'",
    "aa64, ' for ARM64: give a kernel built for x86-64'",
    "01c2, ' for 32-bit ARM: give'",
    "5064, ' for RISC-V: give'",
    "6264, ' for LoongArch: give'",
    "1234, ' for another machine (0x1234): give'"
  })
  void efiPrograms(String machine, String problem) throws IOException {
    byte[] file = efiProgram(0x80, Integer.parseInt(machine, 16));
    assertProblem(write(file), "is an EFI program" + problem);
    System.arraycopy("zimg".getBytes(StandardCharsets.US_ASCII), 0, file, 4, 4);
    assertProblem(write(file), "is a compressed EFI kernel (zboot)" + problem);
  }

  @Test
  void efiProgramsWithoutAPeHeader() throws IOException {
    for (int at : new int[] {-1, Integer.MAX_VALUE, Integer.MIN_VALUE, 2043, 4096}) {
      byte[] file = efiProgram(0x80, 0xAA64);
      ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(0x3C, at);
      assertProblem(write(file), "is an EFI program that only UEFI");
    }
    assertProblem(write(efiProgram(2042, 0xAA64)), "is an EFI program for ARM64");
    assertProblem(write(Arrays.copyOf(efiProgram(0x80, 0xAA64), 0x85)), "is an EFI program that");
  }

  private static byte[] efiProgram(int headerOffset, int machine) {
    byte[] file = new byte[4096];
    ByteBuffer.wrap(file)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort(0, (short) 0x5A4D)
        .putInt(0x3C, headerOffset)
        .putInt(headerOffset, 0x4550)
        .putShort(headerOffset + 4, (short) machine);
    return file;
  }

  @Test
  void diskImages() throws IOException {
    byte[] ext4 = new byte[4096];
    ext4[1080] = 0x53;
    ext4[1081] = (byte) 0xEF;
    assertProblem(write(ext4), "give it with --disk");
    byte[] mbr = new byte[4096];
    mbr[510] = 0x55;
    mbr[511] = (byte) 0xAA;
    assertProblem(write(mbr), "give it with --disk");
  }

  @Test
  void elfOfAnotherMachine() throws IOException {
    assertElf(18, 183, "ELF for ARM64: give one built for x86-64");
    assertElf(18, 40, "ELF for ARM: ");
    assertElf(18, 3, "ELF for x86 (i386)");
    assertElf(18, 243, "ELF for RISC-V");
    assertElf(18, 999, "e_machine 999");
    byte[] bigEndian = KernelFiles.elf(5000);
    bigEndian[5] = 2;
    bigEndian[18] = 0;
    bigEndian[19] = 22;
    assertProblem(write(bigEndian), "ELF for s390: give one built for x86-64");
    bigEndian[19] = 21;
    assertProblem(write(bigEndian), "ELF for PowerPC64: give");
    bigEndian[4] = 1;
    bigEndian[19] = 20;
    assertProblem(write(bigEndian), "ELF for 32-bit PowerPC: give");
    assertElf(18, 21, "ELF for PowerPC64: give");
    assertElf(18, 258, "ELF for LoongArch: give");
    byte[] narrow = KernelFiles.elf(5000);
    narrow[4] = 1;
    assertProblem(write(narrow), "32-bit ELF");
    narrow[18] = 3;
    assertProblem(write(narrow), "32-bit x86 (i386)");
  }

  @Test
  void elfThatIsNoKernel() throws IOException {
    assertElf(16, 1, "no executable");
    assertElf(16, 4, "no executable");
    assertProblem(Path.of("/proc/self/exe").toRealPath(), "is a program, not a kernel");
  }

  private void assertElf(int offset, int value, String problem) throws IOException {
    byte[] elf = KernelFiles.elf(5000);
    ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN).putShort(offset, (short) value);
    assertProblem(write(elf), problem);
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("kernel file"), bytes);
  }

  private static void assertProblem(Path file, String problem) {
    KernelFormatException e =
        assertThrows(KernelFormatException.class, () -> KernelImage.open(file));
    assertTrue(e.getMessage().startsWith("kernel " + file + " "), e.getMessage());
    assertTrue(e.getMessage().contains(problem), e.getMessage());
    assertTrue(e.getMessage().indexOf(':') > 0, "says what to do: " + e.getMessage());
    assertFalse(e.getMessage().contains("\n"), e.getMessage());
  }
}
