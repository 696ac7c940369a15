// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.machine.ConsoleStream;
import io.jkvm.machine.Machine;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a guest to its end, with everything that it prints in a file. */
public final class ConsoleToFile {
  private ConsoleToFile() {}

  /** Arguments: kernel, initial RAM disk, log file. */
  public static void main(String[] args) throws InterruptedException {
    MachineSpec spec =
        MachineSpec.boot(Path.of(args[0]))
            .initrd(Path.of(args[1]))
            .commandLine("jkvm.run=\"uname -a\"")
            .build();
    List<IOException> failures = new ArrayList<>();
    try (ConsoleStream log = ConsoleStream.file(Path.of(args[2]), failures::add);
        Machine machine = Machine.create(spec)) {
      machine.console().attach(log);
      machine.start();
      StopReason end = machine.awaitStop();
      if (end.kind().outcome() != StopReason.Outcome.CLEAN) {
        throw new IllegalStateException(end.toString());
      }
    }
  }
}
