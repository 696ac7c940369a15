// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.spec.MachineSpec;
import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What a pause does to a guest's clocks, as Machine's documentation says. */
@RequiresKvm
@Execution(ExecutionMode.CONCURRENT)
@Timeout(600)
class GuestTimeIT {
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final double PAUSE_SECONDS = 2;

  /** Of /proc/uptime, which counts hundredths. */
  private static final double ROUNDING_SECONDS = 0.02;

  private static final String SOURCE =
      "/sys/devices/system/clocksource/clocksource0/current_clocksource";

  /**
   * Seconds that passed between two looks at the guest's monotonic clock, by that clock, and by the
   * host's from before the first look to after the second.
   */
  private record Elapsed(double guest, double host) {}

  @Test
  void kvmclockStandsStillAndTheTscRunsOn() throws InterruptedException {
    MachineSpec spec =
        MachineSpec.boot(ProjectFiles.guestImage("bzImage"))
            .initrd(ProjectFiles.guestImage("initramfs.cpio"))
            .commandLine("quiet jkvm.ip=none clocksource=kvm-clock")
            .build();
    try (Machine machine = Machine.start(spec)) {
      machine.console().expect("# ", PATIENCE);
      machine.console().send("cat " + SOURCE + "\n");
      machine.console().expect("\nkvm-clock", PATIENCE);
      Elapsed kvmclock = overAPause(machine);
      assertTrue(
          kvmclock.guest <= kvmclock.host - PAUSE_SECONDS + ROUNDING_SECONDS, kvmclock::toString);

      machine.console().send("echo tsc > " + SOURCE + "; cat " + SOURCE + "\n");
      machine.console().expect("\ntsc", PATIENCE);
      Elapsed tsc = overAPause(machine);
      assertTrue(tsc.guest >= PAUSE_SECONDS - ROUNDING_SECONDS, tsc::toString);
    }
  }

  private static Elapsed overAPause(Machine machine) throws InterruptedException {
    long start = System.nanoTime();
    double before = uptime(machine);
    machine.pause();
    Thread.sleep((long) (1000 * PAUSE_SECONDS)); // what is measured, not what is waited for
    machine.resume();
    double after = uptime(machine);
    return new Elapsed(after - before, (System.nanoTime() - start) / 1e9);
  }

  private static double uptime(Machine machine) throws InterruptedException {
    machine.console().send("cat /proc/uptime\n");
    return Double.parseDouble(
        machine.console().expect(Pattern.compile("\n(\\d+\\.\\d+) \\d"), PATIENCE).group(1));
  }
}
