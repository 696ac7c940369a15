// SPDX-License-Identifier: Apache-2.0
/**
 * A command run on a kernel, and how it ended: {@link io.jkvm.machine.testing.TestRun} boots a
 * machine of its own for each run, believes only what the agent and the kernel's log say, and gives
 * a {@link io.jkvm.machine.testing.TestOutcome}.
 */
package io.jkvm.machine.testing;
