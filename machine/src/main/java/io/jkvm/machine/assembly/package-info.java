// SPDX-License-Identifier: Apache-2.0
/**
 * How a specification becomes a machine: {@link io.jkvm.machine.assembly.MachineAssembler} reads
 * like its parts list, {@link io.jkvm.machine.assembly.Mainboard} knows which device answers where.
 * For {@link io.jkvm.machine} only.
 */
package io.jkvm.machine.assembly;
