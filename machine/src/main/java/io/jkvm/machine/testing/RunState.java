// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import java.util.Optional;

/**
 * What is known of a run that goes on.
 *
 * @param command once it is started
 * @param agentIsThere whether the agent has spoken
 * @param agentFailure why there is no agent any more
 * @param refusal why it can't be done, as long as the guest has not shown otherwise
 * @param setupFailure what the agent could not do before the command
 * @param interrupted whether the user wants it to end
 * @param synced whether what the command has written is on the disks
 */
record RunState(
    Optional<RunningCommand> command,
    boolean agentIsThere,
    Optional<String> agentFailure,
    Optional<String> refusal,
    Optional<String> setupFailure,
    boolean interrupted,
    boolean synced,
    RunClock clock) {
  /** Whether the command has ended and its output is where it belongs. */
  boolean isFinished() {
    return command.isPresent() && command.get().end().isPresent() && command.get().isDrained();
  }
}
