// SPDX-License-Identifier: Apache-2.0
/**
 * How a specification becomes a machine: {@link io.jkvm.machine.assembly.MachineAssembler} reads
 * like its parts list, {@link io.jkvm.machine.assembly.Mainboard} knows which device answers where.
 * For {@link io.jkvm.machine} only, but for {@link io.jkvm.machine.assembly.Host} and {@link
 * io.jkvm.machine.assembly.HeldFiles}, which users may share between machines.
 */
package io.jkvm.machine.assembly;
