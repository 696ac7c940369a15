// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Programs keep all their registers over context switches and signals: guest-images/vectors. On a
 * KVM that interprets the kernel it was another program's that they found in them.
 */
@RequiresKvm
class VectorRegistersIT {
  @ParameterizedTest
  @CsvSource({"bzImage, 1", "bzImage-smp, 2"})
  @Guests
  void areKeptInTwoThousandRounds(String kernel, int cpus) throws Exception {
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
            "--cmdline",
            "quiet jkvm.run=\"vectors 2000 4\"");
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("vectors: 2000 rounds of 4 processes"), result::toString);
    assertTrue(result.out().contains(", 0 wrong"), result::toString);
  }
}
