// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.jkvm.firmware.kernel.KernelFormatException.Kind;
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

/** Files that are no kernels: each one line of facts that begins with the file, and a kind. */
class KernelImageTest {
  @TempDir Path folder;

  @Test
  void opensBothKinds() throws IOException {
    assertInstanceOf(BzImage.class, KernelImage.open(write(KernelFiles.bzImage(new byte[64]))));
    assertInstanceOf(ElfKernel.class, KernelImage.open(write(KernelFiles.elf(5000))));
  }

  @Test
  void missing() {
    assertProblem(folder.resolve("absent"), Kind.ABSENT, "does not exist");
  }

  @Test
  void directory() {
    assertProblem(folder, Kind.DIRECTORY, "is a directory");
  }

  @Test
  void unreadable() throws IOException {
    Path file = write(KernelFiles.elf(5000));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("-wx------"));
    assumeFalse(Files.isReadable(file), "root reads everything");
    assertProblem(file, Kind.FORBIDDEN, "permission denied");
  }

  @Test
  void deviceIsNotRead() {
    assertProblem(Path.of("/dev/zero"), Kind.NOT_A_FILE, "is not a regular file");
  }

  @Test
  void empty() throws IOException {
    assertProblem(write(new byte[0]), Kind.EMPTY, "is empty");
  }

  @Test
  void text() throws IOException {
    assertProblem(
        write("# a script\necho hello\n".getBytes(StandardCharsets.UTF_8)), Kind.TEXT, "text file");
    assertProblem(write("x".getBytes(StandardCharsets.UTF_8)), Kind.TEXT, "text file");
    assertProblem(
        write("Größe: 7\n".repeat(500).getBytes(StandardCharsets.UTF_8)), Kind.TEXT, "text file");
  }

  @ParameterizedTest
  @CsvSource({
    "1f8b0800, COMPRESSED, gzip-compressed file (gunzip unpacks it)",
    "fd377a585a00, COMPRESSED, xz-compressed file (unxz unpacks it)",
    "28b52ffd, COMPRESSED, zstd-compressed file (unzstd unpacks it)",
    "04224d18, COMPRESSED, LZ4-compressed file (unlz4 unpacks it)",
    "02214c18, COMPRESSED, LZ4-compressed file (unlz4 unpacks it)",
    "425a6839, COMPRESSED, bzip2-compressed file (bunzip2 unpacks it)",
    "303730373031, INITRAMFS, cpio archive",
    "c7710000, INITRAMFS, cpio archive",
    "27051956, UBOOT_IMAGE, U-Boot image",
    "4d5a9000, EFI_ONLY, is an EFI program that only UEFI firmware can start",
    "4d5a00007a696d67, EFI_ONLY, is a compressed EFI kernel (zboot) that only UEFI",
    "00010203, NOT_A_KERNEL, is not a Linux kernel"
  })
  void knownByFirstBytes(String hex, Kind kind, String problem) throws IOException {
    byte[] start = HexFormat.of().parseHex(hex);
    for (int length : new int[] {start.length, 200, 5000}) {
      assertProblem(write(Arrays.copyOf(start, Math.max(length, start.length))), kind, problem);
    }
  }

  @Test
  void otherMachinesImages() throws IOException {
    byte[] file = new byte[4096];
    file[0] = 'M';
    file[1] = 'Z';
    System.arraycopy("ARMd".getBytes(StandardCharsets.US_ASCII), 0, file, 56, 4);
    assertProblem(write(file), Kind.OTHER_ARCHITECTURE, "ARM64 kernel");
    System.arraycopy(HexFormat.of().parseHex("52534305"), 0, file, 56, 4);
    assertProblem(write(file), Kind.OTHER_ARCHITECTURE, "RISC-V kernel");
    byte[] early = new byte[4096];
    System.arraycopy("RISCV".getBytes(StandardCharsets.US_ASCII), 0, early, 0x30, 5);
    assertProblem(write(early), Kind.OTHER_ARCHITECTURE, "RISC-V kernel");
    byte[] arm = new byte[4096];
    System.arraycopy(HexFormat.of().parseHex("18286f01"), 0, arm, 0x24, 4);
    assertProblem(write(arm), Kind.OTHER_ARCHITECTURE, "32-bit ARM kernel");
    System.arraycopy(HexFormat.of().parseHex("016f2818"), 0, arm, 0x24, 4);
    assertProblem(write(arm), Kind.OTHER_ARCHITECTURE, "32-bit ARM kernel");
  }

  @ParameterizedTest
  @CsvSource({
    "8664, EFI_ONLY, ' for x86-64 that only UEFI firmware can start (it has no Linux boot header)'",
    "014c, OTHER_ARCHITECTURE, ' for 32-bit x86'",
    "aa64, OTHER_ARCHITECTURE, ' for ARM64'",
    "01c2, OTHER_ARCHITECTURE, ' for 32-bit ARM'",
    "5064, OTHER_ARCHITECTURE, ' for RISC-V'",
    "6264, OTHER_ARCHITECTURE, ' for LoongArch'",
    "1234, OTHER_ARCHITECTURE, ' for another machine (0x1234)'"
  })
  void efiPrograms(String machine, Kind kind, String problem) throws IOException {
    byte[] file = efiProgram(0x80, Integer.parseInt(machine, 16));
    assertProblem(write(file), kind, "is an EFI program" + problem);
    System.arraycopy("zimg".getBytes(StandardCharsets.US_ASCII), 0, file, 4, 4);
    assertProblem(write(file), kind, "is a compressed EFI kernel (zboot)" + problem);
  }

  @Test
  void efiProgramsWithoutAPeHeader() throws IOException {
    for (int at : new int[] {-1, Integer.MAX_VALUE, Integer.MIN_VALUE, 2043, 4096}) {
      byte[] file = efiProgram(0x80, 0xAA64);
      ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(0x3C, at);
      assertProblem(write(file), Kind.EFI_ONLY, "is an EFI program that only UEFI");
    }
    assertProblem(
        write(efiProgram(2042, 0xAA64)), Kind.OTHER_ARCHITECTURE, "is an EFI program for ARM64");
    assertProblem(
        write(Arrays.copyOf(efiProgram(0x80, 0xAA64), 0x85)),
        Kind.EFI_ONLY,
        "is an EFI program that");
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
    assertProblem(write(ext4), Kind.DISK_IMAGE, "is a disk image");
    byte[] mbr = new byte[4096];
    mbr[510] = 0x55;
    mbr[511] = (byte) 0xAA;
    assertProblem(write(mbr), Kind.DISK_IMAGE, "is a disk image");
  }

  @Test
  void elfOfAnotherMachine() throws IOException {
    assertElf(18, Kind.OTHER_ARCHITECTURE, 183, "ELF for ARM64");
    assertElf(18, Kind.OTHER_ARCHITECTURE, 40, "ELF for ARM");
    assertElf(18, Kind.OTHER_ARCHITECTURE, 3, "ELF for x86 (i386)");
    assertElf(18, Kind.OTHER_ARCHITECTURE, 243, "ELF for RISC-V");
    assertElf(18, Kind.OTHER_ARCHITECTURE, 999, "e_machine 999");
    byte[] bigEndian = KernelFiles.elf(5000);
    bigEndian[5] = 2;
    bigEndian[18] = 0;
    bigEndian[19] = 22;
    assertProblem(write(bigEndian), Kind.OTHER_ARCHITECTURE, "ELF for s390");
    bigEndian[19] = 21;
    assertProblem(write(bigEndian), Kind.OTHER_ARCHITECTURE, "ELF for PowerPC64");
    bigEndian[4] = 1;
    bigEndian[19] = 20;
    assertProblem(write(bigEndian), Kind.OTHER_ARCHITECTURE, "ELF for 32-bit PowerPC");
    assertElf(18, Kind.OTHER_ARCHITECTURE, 21, "ELF for PowerPC64");
    assertElf(18, Kind.OTHER_ARCHITECTURE, 258, "ELF for LoongArch");
    byte[] narrow = KernelFiles.elf(5000);
    narrow[4] = 1;
    assertProblem(write(narrow), Kind.NOT_64_BIT, "32-bit ELF");
    narrow[18] = 3;
    assertProblem(write(narrow), Kind.OTHER_ARCHITECTURE, "32-bit x86 (i386)");
  }

  @Test
  void elfThatIsNoKernel() throws IOException {
    assertElf(16, Kind.NOT_EXECUTABLE, 1, "no executable");
    assertElf(16, Kind.NOT_EXECUTABLE, 4, "no executable");
    assertProblem(
        Path.of("/proc/self/exe").toRealPath(), Kind.USER_PROGRAM, "is a program, not a kernel");
  }

  private void assertElf(int offset, Kind kind, int value, String problem) throws IOException {
    byte[] elf = KernelFiles.elf(5000);
    ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN).putShort(offset, (short) value);
    assertProblem(write(elf), kind, problem);
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("kernel file"), bytes);
  }

  private static void assertProblem(Path file, Kind kind, String problem) {
    KernelFormatException e =
        assertThrows(KernelFormatException.class, () -> KernelImage.open(file));
    assertTrue(e.getMessage().startsWith("kernel " + file + " "), e.getMessage());
    assertTrue(e.getMessage().contains(problem), e.getMessage());
    assertEquals(kind, e.kind(), e.getMessage());
    assertFalse(e.getMessage().contains("\n"), e.getMessage());
  }
}
