// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.GuestTask;
import java.util.Optional;

/**
 * What is known of a run that goes on.
 *
 * @param task the command, once it is started
 * @param agentFailure why there is no agent, or no more
 * @param interrupted whether the user wants it to end
 * @param refusal why it can't be done, if that was found out meanwhile
 */
record RunState(
    Optional<GuestTask> task,
    Optional<String> agentFailure,
    boolean interrupted,
    Optional<String> refusal,
    RunClock clock) {}
