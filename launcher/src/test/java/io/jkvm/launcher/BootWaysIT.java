// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same kernel in each way, from an initramfs and from a disk. */
@RequiresKvm
@Guests
class BootWaysIT {
  private static final String UNAME = "quiet jkvm.run=\"uname -a\"";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"direct", "bzimage", "bios", "pvh"})
  void fromInitrd(String way) throws Exception {
    assertAnswers(
        JkvmProcess.run(
            "--boot=" + way,
            "--kernel",
            ProjectFiles.guestImage("bzImage").toString(),
            "--initrd",
            ProjectFiles.guestImage("initramfs.cpio").toString(),
            "--cmdline",
            UNAME));
  }

  @ParameterizedTest
  @ValueSource(strings = {"direct", "bzimage", "bios", "pvh"})
  void fromDisk(String way) throws Exception {
    Path root = Files.copy(ProjectFiles.guestImage("rootfs.img"), folder.resolve("root.img"));
    assertAnswers(
        JkvmProcess.run(
            "--boot=" + way,
            "--kernel",
            ProjectFiles.guestImage("bzImage").toString(),
            "--disk",
            root.toString(),
            "--cmdline",
            UNAME));
  }

  @Test
  void anElfVmlinux() throws Exception {
    assertAnswers(
        JkvmProcess.run(
            "--kernel",
            ProjectFiles.guestImage("vmlinux").toString(),
            "--initrd",
            ProjectFiles.guestImage("initramfs.cpio").toString(),
            "--cmdline",
            UNAME));
  }

  @Test
  void anElfVmlinuxAtItsPvhEntry() throws Exception {
    assertAnswers(
        JkvmProcess.run(
            "--boot=pvh",
            "--kernel",
            ProjectFiles.guestImage("vmlinux").toString(),
            "--initrd",
            ProjectFiles.guestImage("initramfs.cpio").toString(),
            "--cmdline",
            UNAME));
  }

  /** Its e_entry names no 64-bit entry, as in other kernels than Linux. */
  @Test
  void anElfWithAPvhEntryOnly() throws Exception {
    byte[] elf = Files.readAllBytes(ProjectFiles.guestImage("vmlinux"));
    ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN).putLong(24, 0);
    JkvmProcess.Result result =
        JkvmProcess.run(
            "--kernel",
            Files.write(folder.resolve("vmlinux"), elf).toString(),
            "--initrd",
            ProjectFiles.guestImage("initramfs.cpio").toString(),
            "--cmdline",
            UNAME);
    assertAnswers(result);
    assertTrue(result.err().contains("it is entered at its PVH entry"), result::toString);
  }

  /** The first ends at no multiple of 4, where Linux would not see the second. */
  @ParameterizedTest
  @ValueSource(strings = {"direct", "bios"})
  void fromTwoInitrds(String way) throws Exception {
    byte[] root = Files.readAllBytes(ProjectFiles.guestImage("initramfs.cpio"));
    Path first = Files.write(folder.resolve("1"), Arrays.copyOf(root, root.length + 1));
    Path second = Files.write(folder.resolve("2"), CpioArchive.of("added", "from the second\n"));
    JkvmProcess.Result result =
        JkvmProcess.run(
            "--boot=" + way,
            "--kernel",
            ProjectFiles.guestImage("bzImage").toString(),
            "--initrd",
            first.toString(),
            "--initrd",
            second.toString(),
            "--cmdline",
            "quiet jkvm.run=\"uname -a; cat /added\"");
    assertAnswers(result);
    assertTrue(result.out().contains("from the second"), result::toString);
  }

  private static void assertAnswers(JkvmProcess.Result result) {
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("jkvm: Linux is up"), result::toString);
    assertTrue(
        result.out().lines().anyMatch(l -> l.matches("Linux \\S+ \\d+\\.\\d+.* x86_64 .*")),
        result::toString);
    assertTrue(result.err().contains("jkvm: guest reset"), result::toString);
  }
}
