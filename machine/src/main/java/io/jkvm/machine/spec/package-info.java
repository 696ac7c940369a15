// SPDX-License-Identifier: Apache-2.0
/**
 * What a machine is to be: immutable records that are complete and consistent once they exist.
 * Nothing here opens a file or reads text that a person typed; {@link
 * io.jkvm.machine.spec.MachineSpec#boot} is where to begin.
 *
 * <p>More than a dozen files because each part that a machine can have is one.
 */
package io.jkvm.machine.spec;
