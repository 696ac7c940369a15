// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.agent.GuestMounts;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What is to be run, and when it counts as failed.
 *
 * @param machine has to ask for an agent, and its guest to start it
 * @param command what the agent runs
 * @param limit how long the run may take, the boot included
 * @param stall how long both the command and the kernel may be silent, and how long the guest may
 *     write out its disks behind the command's end without a word of the kernel's; the time in
 *     which their output waits for a reader on the host does not count
 * @param failOn reports of the kernel that are failures
 * @param kernelLog a file for the guest's serial console, all of it
 * @param kernelLogIsNew whether that file is made anew in place of whatever has its name
 * @param kernelLogOnError whether it goes to this process' standard error too
 * @param mounts what is mounted before the command runs
 */
public record TestSpec(
    MachineSpec machine,
    GuestCommand command,
    Optional<Duration> limit,
    Optional<Duration> stall,
    FailOn failOn,
    Optional<Path> kernelLog,
    boolean kernelLogIsNew,
    boolean kernelLogOnError,
    GuestMounts mounts) {
  /** Checks that the machine has an agent. */
  public TestSpec {
    if (machine.agent().isEmpty()) {
      throw new IllegalArgumentException("a machine without an agent");
    }
  }
}
