// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same kernel in each way, from an initramfs and from a disk. */
@RequiresKvm
class BootWaysIT {
  private static final String UNAME = "quiet jkvm.run=\"uname -a\"";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"direct", "bzimage", "bios"})
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
  @ValueSource(strings = {"direct", "bzimage", "bios"})
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

  private static void assertAnswers(JkvmProcess.Result result) {
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("jkvm: Linux is up"), result::toString);
    assertTrue(
        result.out().lines().anyMatch(l -> l.matches("Linux \\S+ \\d+\\.\\d+.* x86_64 .*")),
        result::toString);
    assertTrue(result.err().contains("jkvm: guest reset"), result::toString);
  }
}
