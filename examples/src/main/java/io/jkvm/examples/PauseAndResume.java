// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.machine.Console;
import io.jkvm.machine.Machine;
import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.Path;
import java.time.Duration;

/** A guest that counts, is paused, prints nothing meanwhile, and goes on counting. */
public final class PauseAndResume {
  private static final Duration LIMIT = Duration.ofMinutes(5);

  private PauseAndResume() {}

  /** Arguments: kernel, initial RAM disk. */
  public static void main(String[] args) throws InterruptedException {
    MachineSpec spec =
        MachineSpec.boot(Path.of(args[0])).initrd(Path.of(args[1])).commandLine("quiet").build();
    try (Machine machine = Machine.start(spec)) {
      Console console = machine.console();
      console.expect("# ", LIMIT);
      console.send("i=0; while usleep 100000; do i=$((i + 1)); echo tick $i; done\n");
      console.expect("tick 2", LIMIT);
      machine.pause();
      long printed = machine.statistics().consoleBytes();
      Thread.sleep(1000);
      if (machine.statistics().consoleBytes() != printed) {
        throw new IllegalStateException("the guest printed something while it was paused");
      }
      machine.resume();
      console.expect("tick 20", LIMIT);
    }
  }
}
