// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.storage.DiskException;
import io.jkvm.firmware.boot.BootException;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;

/** Gives what the floors below throw the library's one kind of exception. */
final class Problems {
  private Problems() {}

  /** What to throw in place of a failure; a defect of our own stays what it is. */
  static RuntimeException translate(Throwable failure) {
    if (failure instanceof RuntimeException own) {
      return own;
    }
    if (failure instanceof Error error) {
      throw error;
    }
    return new MachineException(problemOf((IOException) failure), failure.getMessage(), failure);
  }

  private static Problem problemOf(IOException failure) {
    if (failure instanceof KernelFormatException) {
      return Problem.KERNEL_FORMAT;
    }
    if (failure instanceof BootException) {
      return Problem.KERNEL_TOO_LARGE;
    }
    if (failure instanceof DiskException) {
      return Problem.DISK_FAILED;
    }
    if (failure instanceof LinuxException) {
      return Problem.HOST;
    }
    return Problem.HOST;
  }
}
