// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A PCI function that is removed and found again by a rescan works each time, while another is
 * busy. Linux then gives it addresses of its own choice: without ACPI from the end of RAM on.
 */
@RequiresKvm
class PciRescanIT {
  /** Some seconds each where KVM interprets the kernel. */
  private static final int FEW = 4;

  private static final int MANY = 50;

  /** 00:01.0 is the busy disk, 00:02.0 the one that goes and comes. */
  private static final String COMMAND =
      "(while :; do dd if=/dev/vda of=/dev/null bs=64k 2>/dev/null; done) & n=0;"
          + " while [ $n -lt %d ]; do echo 1 > /sys/bus/pci/devices/0000:00:02.0/remove;"
          + " [ ! -e /dev/vdb ] || echo STILL THERE;"
          + " echo 1 > /sys/bus/pci/rescan; until [ -b /dev/vdb ]; do :; done;"
          + " sha256sum < /dev/vdb; n=$((n+1)); done";

  @TempDir Path folder;

  @Test
  @Guests
  void aRemovedFunctionComesBack() throws Exception {
    assertComesBack(FEW, "bzImage", 1, "");
  }

  @ParameterizedTest
  @CsvSource({"bzImage, 1, 'pci=realloc,assign-busses'", "bzImage-smp, 2, pci=nocrs"})
  @Guests
  @LongTest
  void aRemovedFunctionComesBackFiftyTimes(String kernel, int cpus, String parameters)
      throws Exception {
    assertComesBack(MANY, kernel, cpus, parameters);
  }

  private void assertComesBack(int times, String kernel, int cpus, String parameters)
      throws Exception {
    byte[] data = NetGuest.data(64 << 10);
    Path busy = Files.write(folder.resolve("busy.img"), NetGuest.data(1 << 20));
    Path removed = Files.write(folder.resolve("removed.img"), data);
    JkvmProcess.Result result =
        JkvmProcess.run(
            "--kernel",
            ProjectFiles.guestImage(kernel).toString(),
            "--initrd",
            ProjectFiles.guestImage("initramfs.cpio").toString(),
            "--mem",
            "64M",
            "--cpus",
            String.valueOf(cpus),
            "--disk",
            busy + ",ro",
            "--disk",
            removed + ",ro",
            "--cmdline",
            "quiet root=/dev/ram0 "
                + parameters
                + " jkvm.run=\""
                + String.format(COMMAND, times)
                + "\"");
    assertEquals(0, result.status(), result::toString);
    String line = NetGuest.sha256(data) + "  -";
    assertEquals(times, result.out().lines().filter(line::equals).count(), result::toString);
    assertTrue(!result.out().contains("STILL THERE"), result::toString);
  }
}
