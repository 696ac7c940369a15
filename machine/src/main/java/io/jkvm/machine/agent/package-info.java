// SPDX-License-Identifier: Apache-2.0
/**
 * The host's half of docs/agent-protocol.md: commands run and files copied by the program that jkvm
 * has in a guest. {@link io.jkvm.machine.agent.GuestAgent} is the door; everything that comes from
 * the guest is checked in {@link io.jkvm.machine.agent.FrameReader} and where it is used.
 *
 * <p>It has 17 files because a task, its streams and the frames about them are one protocol: no
 * other room may use its inner parts.
 */
package io.jkvm.machine.agent;
