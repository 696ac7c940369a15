// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.launcher.report.ExitStatus;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are no kernel for this machine: named, with the reason and what to do. */
@Guests
class BadKernelIT {
  @TempDir Path folder;
  private Path kernel;

  @BeforeEach
  void name() {
    kernel = folder.resolve("the kernel");
  }

  private void assertRefused(String why, String advice) throws Exception {
    BadFiles.assertOneLine(
        JkvmProcess.runInThisJvm("--kernel", kernel.toString()),
        ExitStatus.HOST,
        "kernel " + kernel,
        why,
        advice);
  }

  /** As the user meets it; the others, which only differ in the file, are quicker. */
  @Test
  void missing() throws Exception {
    BadFiles.assertOneLine(
        JkvmProcess.run("--kernel", kernel.toString()),
        ExitStatus.HOST,
        "kernel " + kernel + " does not exist",
        "check the name given to --kernel");
  }

  @Test
  void directory() throws Exception {
    Files.createDirectory(kernel);
    assertRefused("is a directory", "name the bzImage or vmlinux");
  }

  @Test
  void device() throws Exception {
    Files.createSymbolicLink(kernel, Path.of("/dev/zero"));
    assertRefused("is not a regular file", "copy the kernel to a file");
  }

  @Test
  void empty() throws Exception {
    Files.createFile(kernel);
    assertRefused("is empty", "build or copy the kernel again");
  }

  @Test
  void text() throws Exception {
    Files.writeString(kernel, "#!/bin/sh\necho no kernel\n".repeat(100));
    assertRefused("is a text file", "give a bzImage or a vmlinux");
  }

  @Test
  void zeroes() throws Exception {
    BadFiles.sparse(kernel, 4 << 20, 0);
    assertRefused("is not a Linux kernel", "give a bzImage");
  }

  @Test
  void cpio() throws Exception {
    Files.copy(ProjectFiles.guestImage("initramfs.cpio"), kernel);
    assertRefused("is a cpio archive", "give it with --initrd");
  }

  @Test
  void gzip() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write("kernel".getBytes(StandardCharsets.US_ASCII));
    }
    BadFiles.bytes(kernel, bytes.toByteArray());
    assertRefused("is a gzip-compressed file (gunzip unpacks it)", "unpack it first");
  }

  @Test
  void rootDisk() throws Exception {
    Files.copy(ProjectFiles.guestImage("rootfs.img"), kernel);
    assertRefused("is a disk image", "give it with --disk");
  }

  @Test
  void arm64() throws Exception {
    BadFiles.sparse(kernel, 1 << 20, 56, 'A', 'R', 'M', 0x64);
    assertRefused("is an ARM64 kernel", "give one built for x86-64");
  }

  @Test
  void arm() throws Exception {
    BadFiles.sparse(kernel, 1 << 20, 0x24, 0x18, 0x28, 0x6f, 0x01);
    assertRefused("is a 32-bit ARM kernel", "give one built for x86-64");
  }

  @Test
  void riscv() throws Exception {
    BadFiles.sparse(kernel, 1 << 20, 0x38, 'R', 'S', 'C', 5);
    assertRefused("is a RISC-V kernel", "give one built for x86-64");
  }

  @Test
  void efiZboot() throws Exception {
    BadFiles.sparse(kernel, 1 << 20, 0, 'M', 'Z', 0, 0, 'z', 'i', 'm', 'g');
    BadFiles.sparse(kernel, 1 << 20, 0x3c, 0x40, 0, 0, 0, 'P', 'E', 0, 0, 0x64, 0xaa);
    assertRefused("is a compressed EFI kernel (zboot) for ARM64", "built for x86-64");
  }

  @Test
  void efiOnly() throws Exception {
    BadFiles.sparse(kernel, 1 << 20, 0, 'M', 'Z');
    BadFiles.sparse(kernel, 1 << 20, 0x3c, 0x40, 0, 0, 0, 'P', 'E', 0, 0, 0x64, 0x86);
    assertRefused("is an EFI program for x86-64 that only UEFI firmware can start", "vmlinux");
  }

  @Test
  void noPvhNote() throws Exception {
    byte[] elf = Files.readAllBytes(ProjectFiles.guestImage("vmlinux"));
    ByteBuffer headers = ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 64; at < 64 + 56 * headers.getShort(56); at += 56) {
      if (headers.getInt(at) == 4) { // PT_NOTE
        headers.putInt(at, 0);
      }
    }
    BadFiles.bytes(kernel, elf);
    BadFiles.assertOneLine(
        JkvmProcess.runInThisJvm("--boot=pvh", "--kernel", kernel.toString()),
        ExitStatus.HOST,
        "kernel " + kernel + " has no PVH entry",
        "--boot=direct");
  }

  @Test
  void armElf() throws Exception {
    ByteBuffer elf =
        ByteBuffer.wrap(Files.readAllBytes(ProjectFiles.guestImage("vmlinux")))
            .order(ByteOrder.LITTLE_ENDIAN);
    elf.putShort(18, (short) 183); // e_machine: EM_AARCH64
    BadFiles.bytes(kernel, elf.array());
    assertRefused("", "x86-64");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 511, 514, 600, 1024, 4096, 16384, 100_000, -100_000, -16})
  void truncatedBzImage(int length) throws Exception {
    Path original = ProjectFiles.guestImage("bzImage");
    BadFiles.truncated(kernel, original, length > 0 ? length : Files.size(original) + length);
    assertRefused("", length < 1024 ? "" : "copy");
  }

  @ParameterizedTest
  @CsvSource({"bzimage, 1000000", "bios, 1000000"})
  void truncatedBzImageInTheOtherWays(String way, int length) throws Exception {
    BadFiles.truncated(kernel, ProjectFiles.guestImage("bzImage"), length);
    BadFiles.assertOneLine(
        JkvmProcess.runInThisJvm("--boot=" + way, "--kernel", kernel.toString()),
        ExitStatus.HOST,
        "kernel " + kernel);
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 63, 64, 1000, 100_000, -1000})
  void truncatedVmlinux(int length) throws Exception {
    Path original = ProjectFiles.guestImage("vmlinux");
    // Whatever is cut off at the end is symbols, which nobody loads.
    long end = length > 0 ? length : Files.size(original) / 4;
    BadFiles.truncated(kernel, original, end);
    assertRefused("", "");
  }

  @Test
  void damagedPayload() throws Exception {
    byte[] bytes = Files.readAllBytes(ProjectFiles.guestImage("bzImage"));
    Arrays.fill(bytes, bytes.length / 2, bytes.length * 3 / 4, (byte) 0xff);
    BadFiles.bytes(kernel, bytes);
    assertRefused("", "");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bzimage", "bios"})
  void vmlinuxInTheOtherWays(String way) throws Exception {
    BadFiles.assertOneLine(
        JkvmProcess.runInThisJvm(
            "--boot=" + way, "--kernel", ProjectFiles.guestImage("vmlinux").toString()),
        ExitStatus.HOST,
        "is an uncompressed ELF kernel",
        "--boot=direct");
  }
}
