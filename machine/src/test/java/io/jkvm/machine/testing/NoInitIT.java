// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.agent.GuestMounts;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.kernellog.KernelEventKind;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.MachineSpec;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** A real kernel that finds no program to start: nobody waits for the agent then. */
@RequiresKvm
@Execution(ExecutionMode.CONCURRENT)
@Timeout(600)
class NoInitIT {
  /** The last word on its command line wins: a directory can't be executed, the other is absent. */
  private static final String NO_INIT = "loglevel=5 rdinit=/dev init=/no/such/init";

  @Test
  void aKernelWithoutItsInitPanics() throws Exception {
    KernelSource kernel = KernelSource.of(ProjectFiles.guestImage("bzImage"));
    RootSpec nothing =
        new RootSpec(
            RootSpec.Kind.INITRAMFS,
            Optional.empty(),
            Optional.of("true"),
            "/",
            false,
            "/usr/bin:/bin",
            "",
            List.of(),
            List.of());
    MachineSpec asked = MachineSpec.boot(kernel.image()).memoryMiB(64).build();
    try (GuestRoot root = GuestRoot.make(nothing, kernel, asked)) {
      MachineSpec machine = root.boot(asked).toBuilder().commandLine(NO_INIT).build();
      TestSpec spec =
          new TestSpec(
              machine,
              GuestCommand.of("true"),
              Optional.empty(),
              Optional.empty(),
              FailOn.of(List.of("none")),
              Optional.empty(),
              false,
              false,
              GuestMounts.NONE);
      OutputStream nowhere = OutputStream.nullOutputStream();
      TestOutcome outcome =
          new TestRun(spec, new TestStreams(Optional.empty(), nowhere, nowhere)).run();
      assertEquals(EndClass.PANIC, outcome.end(), outcome::toString);
      assertEquals(TestOutcome.PANIC, outcome.status());
      assertEquals(Optional.of(KernelEventKind.NO_INIT), outcome.decisive().map(KernelEvent::kind));
      assertTrue(outcome.detail().contains("/no/such/init"), outcome.detail());
      assertFalse(outcome.commandStarted());
    }
  }
}
