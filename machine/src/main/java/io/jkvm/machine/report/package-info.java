// SPDX-License-Identifier: Apache-2.0
/**
 * What a machine has to tell: a {@link io.jkvm.machine.report.MachineException} with a {@link
 * io.jkvm.machine.report.Problem} to decide by, a {@link io.jkvm.machine.report.Note} where it can
 * be made all the same, {@link io.jkvm.machine.report.MachineStatistics} of what it did.
 */
package io.jkvm.machine.report;
