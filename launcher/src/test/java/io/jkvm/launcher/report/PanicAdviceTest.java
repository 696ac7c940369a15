// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.StopReason;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PanicAdviceTest {
  private static final String NOTHING_FOUND = "VFS: Unable to mount root fs on unknown-block(0,0)";

  @TempDir Path folder;

  private MachineSpecBuilder kernel() {
    return MachineSpec.boot(folder.resolve("bzImage"));
  }

  private static String line(String message, MachineSpec spec) {
    String line = Advice.line(new StopReason(StopReason.Kind.GUEST_PANIC, message), spec);
    assertTrue(line.startsWith("guest kernel panic: " + message), line);
    assertEquals(1, line.lines().count(), line);
    return line;
  }

  @Test
  void withoutDiskAndInitrdTheyAreMissing() {
    String line = line(NOTHING_FOUND, kernel().build());
    assertTrue(line.endsWith("; it has no root file system: give it one with --disk or --initrd"));
  }

  @ParameterizedTest
  @CsvSource({
    "bzImage, initramfs.cpio",
    "bzImage, initrd.img",
    "vmlinuz-6.1.0-9-amd64, initrd.img-6.1.0-9-amd64",
    "vmlinuz-6.9.fc40, initramfs-6.9.fc40.img"
  })
  void anInitrdThatLiesBesideTheKernelIsOffered(String kernel, String initrd) throws Exception {
    Path file = Files.createFile(folder.resolve(initrd));
    Files.createFile(folder.resolve("initrd.img-5.0"));
    String line = line(NOTHING_FOUND, MachineSpec.boot(folder.resolve(kernel)).build());
    assertTrue(line.endsWith(", as in --initrd " + file), line);
  }

  @Test
  void aKernelOfTheCurrentFolderHasItsNeighboursThere() {
    line(NOTHING_FOUND, MachineSpec.boot(Path.of("bzImage")).build());
  }

  @Test
  void whatWasGivenIsNotAskedForAgain() {
    MachineSpec initrd = kernel().initrd(folder.resolve("i")).build();
    assertTrue(line(NOTHING_FOUND, initrd).contains("; the initrd has no /init that"));
    MachineSpec disk = kernel().disk(DiskSpec.raw(folder.resolve("d"))).build();
    assertTrue(line(NOTHING_FOUND, disk).contains("; no disk of it is what root= says"));
    String unknown = "VFS: Unable to mount root fs on unknown-block(254,0)";
    assertTrue(line(unknown, disk).contains("; the kernel knows no file system there"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Attempted to kill init! exitcode=0x00000100",
        "VFS: Unable to mount root fs via NFS.",
        ""
      })
  void ofAnotherPanicNothingIsSaid(String message) {
    MachineSpec spec = kernel().build();
    StopReason reason = new StopReason(StopReason.Kind.GUEST_PANIC, message);
    assertEquals(reason.toString(), Advice.line(reason, spec));
  }
}
