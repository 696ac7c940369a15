// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.CommandEnd;
import java.util.Optional;

/**
 * What is known of a run that goes on.
 *
 * @param finished how the command ended, once its output is where it belongs too
 * @param synced whether what the command has written is on the disks
 * @param agentIsThere whether the agent has spoken
 * @param gone why there is no agent any more
 * @param refusal why it can't be done, as long as the guest has not shown otherwise
 * @param setupFailure what the agent could not do before the command
 * @param interrupted whether the user wants it to end
 */
record RunState(
    Optional<CommandEnd> finished,
    boolean synced,
    boolean agentIsThere,
    Optional<String> gone,
    Optional<String> refusal,
    Optional<String> setupFailure,
    boolean interrupted) {}
