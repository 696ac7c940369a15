// SPDX-License-Identifier: Apache-2.0
/**
 * The serial port of a PC, a 16550A, from its registers to the {@link
 * io.jkvm.devices.serial.SerialSink} that takes what the guest sends. Where bytes go on the host is
 * {@code devices.console}.
 */
package io.jkvm.devices.serial;
