// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.kvm.KvmException;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.network.passt.SocketDirectoryException;
import io.jkvm.devices.storage.DiskException;
import io.jkvm.firmware.boot.BootException;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.util.Optional;

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
    if (failure instanceof DiskException disk) {
      return disk(disk);
    }
    if (failure instanceof IOException host) {
      return new MachineException(problemOf(host), failure.getMessage(), failure);
    }
    return new MachineException(Problem.DEVICE, failure.toString(), failure); // undeclared
  }

  /** A failure to open the KVM device. */
  static MachineException kvm(String device, KvmException failure) {
    return new MachineException(of(failure.kind()), device, failure.getMessage(), failure);
  }

  private static MachineException disk(DiskException failure) {
    Problem problem = shortage(failure).orElseGet(() -> of(failure.kind()));
    return new MachineException(problem, failure.disk(), failure.getMessage(), failure);
  }

  /** A failure of a backend, which may be one of the user's own and throw whatever it likes. */
  static MachineException backend(Problem otherwise, String what, Exception failure) {
    if (failure instanceof MachineException known) {
      return known;
    }
    if (failure instanceof DiskException disk) {
      return disk(disk);
    }
    if (failure instanceof SocketDirectoryException) {
      return new MachineException(Problem.NETWORK_SOCKET_DIRECTORY, failure.getMessage(), failure);
    }
    String facts = failure instanceof IOException ? failure.getMessage() : what + ": " + failure;
    return new MachineException(shortage(failure).orElse(otherwise), facts, failure);
  }

  // The kinds below and the problems here have the same names; a test holds that.

  static Problem of(KvmException.Kind kind) {
    return Problem.valueOf("KVM_" + kind);
  }

  static Problem of(DiskException.Kind kind) {
    return Problem.valueOf("DISK_" + kind);
  }

  static Problem of(KernelFormatException.Kind kind) {
    return Problem.valueOf("KERNEL_" + kind);
  }

  static Problem of(BootException.Kind kind) {
    return Problem.valueOf(kind.name());
  }

  private static Problem problemOf(IOException failure) {
    if (failure instanceof KernelFormatException kernel) {
      return of(kernel.kind());
    }
    if (failure instanceof BootException boot) {
      return of(boot.kind());
    }
    return shortage(failure).orElse(Problem.HOST);
  }

  /** What the host has no more of, which is the same whatever it was wanted for. */
  private static Optional<Problem> shortage(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof LinuxException call) {
        return switch (call.errno()) {
          case Errno.EMFILE, Errno.ENFILE -> Optional.of(Problem.HOST_FILES);
          case Errno.ENOMEM -> Optional.of(Problem.HOST_MEMORY);
          default -> Optional.empty();
        };
      }
    }
    return Optional.empty();
  }
}
