// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.kvm.KvmException;
import io.jkvm.devices.storage.DiskException;
import io.jkvm.firmware.boot.BootException;
import io.jkvm.firmware.boot.BootMode;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.machine.spec.BootWay;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What has two names on two floors has the same one. */
class ProblemsTest {
  @Test
  void everyKindBelowIsAProblemHere() {
    Arrays.stream(DiskException.Kind.values()).forEach(Problems::of);
    Arrays.stream(KernelFormatException.Kind.values()).forEach(Problems::of);
    Arrays.stream(BootException.Kind.values()).forEach(Problems::of);
    Arrays.stream(KvmException.Kind.values()).forEach(Problems::of);
  }

  @Test
  void theWaysToBootAreTheFirmwares() {
    assertEquals(names(BootMode.values()), names(BootWay.values()));
  }

  private static String names(Enum<?>[] values) {
    return Arrays.toString(values);
  }
}
