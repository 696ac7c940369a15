// SPDX-License-Identifier: Apache-2.0
/**
 * What carries the agent's bytes (docs/agent-protocol.md, "The channel"): the device that the guest
 * has for it, with the {@link io.jkvm.machine.agent.GuestAgent} behind it. For {@link
 * io.jkvm.machine.assembly} only.
 */
package io.jkvm.machine.agent.channel;
