// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.machine.Machine;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.Path;

/** Decides by the problem what to tell its user: the exception has the facts, not the advice. */
public final class ErrorsByProblem {
  private ErrorsByProblem() {}

  /** Starts a kernel and stops it at once; says how that went. */
  public static String tryToStart(Path kernel, int memoryMiB) {
    try {
      MachineSpec spec = MachineSpec.boot(kernel).memoryMiB(memoryMiB).build();
      try (Machine machine = Machine.start(spec)) {
        return machine.name() + " started";
      }
    } catch (MachineException e) {
      return switch (e.problem()) {
        case MEMORY_SIZE, MORE_MEMORY_THAN_HOST -> "choose another size: " + e.getMessage();
        case KERNEL_TEXT, KERNEL_NOT_A_KERNEL -> "choose another kernel: " + e.getMessage();
        case KVM_ABSENT, KVM_FORBIDDEN -> "no virtual machines here: " + e.getMessage();
        default -> throw e;
      };
    }
  }
}
