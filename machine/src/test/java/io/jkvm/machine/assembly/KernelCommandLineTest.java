// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.probe.RingZeroFeature;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KernelCommandLineTest {
  private static final List<String> DEVICES =
      List.of("virtio_mmio.device=4K@0xd0000000:5", "virtio_mmio.device=4K@0xd0001000:9");
  private static final String ANNOUNCED = String.join(" ", DEVICES);

  private List<Path> initrds = List.of();
  private List<DiskSpec> disks = List.of();
  private Optional<String> only = Optional.empty();

  /** A host that interprets CPL 0, of which CPUID always shows the features given. */
  private static HostCapabilities interpreting(RingZeroFeature... alwaysVisible) {
    return new HostCapabilities(
        true,
        false,
        Set.of(
            RingZeroFeature.CX16,
            RingZeroFeature.POPCNT,
            RingZeroFeature.SMAP,
            RingZeroFeature.AES,
            RingZeroFeature.XSAVE),
        Set.of(alwaysVisible));
  }

  private String line(boolean hardware, String added) {
    return line(hardware ? HostCapabilities.COMPLETE : interpreting(), added);
  }

  private String line(HostCapabilities host, String added) {
    MachineSpecBuilder builder = MachineSpec.boot(Path.of("bzImage")).commandLine(added);
    initrds.forEach(builder::initrd);
    disks.forEach(builder::disk);
    only.ifPresent(builder::commandLineOnly);
    return KernelCommandLine.of(builder.build(), host, DEVICES);
  }

  private static DiskSpec disk(String name, boolean readOnly) {
    DiskSpec disk = DiskSpec.raw(Path.of(name));
    return readOnly ? disk.asReadOnly() : disk;
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
        List.of("nokaslr", "rodata=off", "clearcpuid=erms,fsrm", "watchdog_thresh=60")) {
      assertTrue(List.of(software.split(" ")).contains(parameter), software);
      assertFalse(line(true, "").contains(parameter));
    }
    assertFalse(software.contains("noxsave"), software);
  }

  @Test
  void aLineEndIsASpace() {
    String line = line(true, "quiet\n  jkvm.run=\"echo a;\r\necho b\"\n");
    assertTrue(line.endsWith(" quiet jkvm.run=\"echo a; echo b\" "), line);
  }

  @Test
  void linuxHidesWhatTheTableCannotHide() {
    String line =
        line(
            interpreting(
                RingZeroFeature.POPCNT,
                RingZeroFeature.SMAP,
                RingZeroFeature.SMEP,
                RingZeroFeature.AES,
                RingZeroFeature.XSAVE),
            "");
    assertTrue(line.contains(" clearcpuid=erms,fsrm,popcnt,smap "), line);
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
  void theFirstDiskIsTheRootWithAnInitrdToo() {
    disks = List.of(disk("root.img", false));
    initrds = List.of(Path.of("initramfs.cpio"));
    assertTrue(line(true, "").contains("root=/dev/vda rw"));
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
