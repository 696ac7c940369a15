// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.kvm.KvmException;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.storage.DiskException;
import io.jkvm.firmware.boot.BootException;
import io.jkvm.firmware.boot.BootMode;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.BootWay;
import java.io.IOException;
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
  void aShortageIsOneWhateverItHits() {
    for (int errno : new int[] {Errno.EMFILE, Errno.ENFILE}) {
      assertEquals(Problem.HOST_FILES, problem(new LinuxException("eventfd", errno)));
    }
    assertEquals(Problem.HOST_MEMORY, problem(new LinuxException("mmap", Errno.ENOMEM)));
    assertEquals(Problem.HOST, problem(new LinuxException("mmap", Errno.EPERM)));
    assertEquals(Problem.HOST, problem(new IOException("something else")));
    Exception network = new IOException("passt", new LinuxException("socket", Errno.EMFILE));
    assertEquals(
        Problem.HOST_FILES, Problems.backend(Problem.NETWORK_FAILED, "card", network).problem());
  }

  private static Problem problem(IOException failure) {
    return ((MachineException) Problems.translate(failure)).problem();
  }

  @Test
  void theWaysToBootAreTheFirmwares() {
    assertEquals(names(BootMode.values()), names(BootWay.values()));
  }

  private static String names(Enum<?>[] values) {
    return Arrays.toString(values);
  }
}
