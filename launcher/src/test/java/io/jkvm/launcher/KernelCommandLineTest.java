// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KernelCommandLineTest {
  private static final List<String> DEVICES =
      List.of("virtio_mmio.device=4K@0xd0000000:5", "virtio_mmio.device=4K@0xd0001000:9");
  private static final String ANNOUNCED = String.join(" ", DEVICES);

  private Optional<Path> initrd = Optional.empty();
  private List<DiskConfig> disks = List.of();
  private Optional<String> only = Optional.empty();

  private String line(boolean hardware, String added) {
    VmConfig config =
        new VmConfig(
            Path.of("bzImage"),
            initrd,
            disks,
            64L << 20,
            BootMode.DIRECT,
            added,
            only,
            List.of(),
            "/dev/kvm");
    return KernelCommandLine.of(config, hardware, DEVICES);
  }

  private static DiskConfig disk(String name, boolean readOnly) {
    return new DiskConfig(Path.of(name), readOnly, Optional.empty());
  }

  @Test
  void theUsersTextComesLastSoThatItWins() {
    assertEquals(
        "console=ttyS0 panic=-1 reboot=k " + ANNOUNCED + " panic=5 quiet",
        line(true, "panic=5 quiet"));
  }

  @Test
  void aSoftwareKvmGetsWhatLinuxNeedsThere() {
    String software = line(false, "");
    for (String parameter :
        List.of("nokaslr", "noxsave", "clearcpuid=cx16,erms,fsrm,popcnt,smap,smep")) {
      assertTrue(List.of(software.split(" ")).contains(parameter), software);
      assertFalse(line(true, "").contains(parameter));
    }
  }

  @Test
  void theFirstDiskIsTheWritableRoot() {
    disks = List.of(disk("a", false), disk("b", true));
    assertTrue(line(true, "").contains(" root=/dev/vda rw "));
  }

  @Test
  void aReadOnlyFirstDiskIsAReadOnlyRoot() {
    disks = List.of(disk("a", true));
    assertTrue(line(true, "").contains(" root=/dev/vda ro "));
  }

  @Test
  void aRootOfTheUserIsNotContradicted() {
    disks = List.of(disk("a", false));
    String line = line(true, "quiet root=/dev/vdb");
    assertFalse(line.contains("/dev/vda"), line);
    // A parameter that only contains the word is not a root.
    assertTrue(line(true, "nfsroot=x").contains("root=/dev/vda rw"));
  }

  @Test
  void anInitrdDecidesAboutTheRoot() {
    disks = List.of(disk("a", false));
    initrd = Optional.of(Path.of("initramfs.cpio"));
    assertFalse(line(true, "").contains("root="));
  }

  @Test
  void commandLineOnlyKeepsNothingButTheDevices() {
    disks = List.of(disk("a", false));
    only = Optional.of("console=ttyS0 root=/dev/vda");
    assertEquals("console=ttyS0 root=/dev/vda " + ANNOUNCED, line(false, ""));
    only = Optional.of("");
    assertEquals(ANNOUNCED, line(false, ""));
  }
}
