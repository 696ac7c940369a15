// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.machine.Machine;
import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.Path;
import java.time.Duration;

/** Boots a kernel with an initial RAM disk, asks its shell a question and checks the answer. */
public final class AskTheGuest {
  private AskTheGuest() {}

  /** Arguments: kernel, initial RAM disk. */
  public static void main(String[] args) throws InterruptedException {
    MachineSpec spec =
        MachineSpec.boot(Path.of(args[0])).initrd(Path.of(args[1])).commandLine("quiet").build();
    try (Machine machine = Machine.start(spec)) {
      machine.console().expect("# ", Duration.ofMinutes(5));
      machine.console().send("echo $((6 * 7))\n");
      machine.console().expect("\n42", Duration.ofMinutes(5));
      machine.stop();
    }
  }
}
