// SPDX-License-Identifier: Apache-2.0
/**
 * Virtual machines as objects. {@link io.jkvm.machine.spec.MachineSpec} says what a machine is to
 * be, {@link io.jkvm.machine.Machine} is one, {@link io.jkvm.machine.Console} is what it prints and
 * is typed at. Nothing here changes the process: no signal handler, no terminal mode, no shutdown
 * hook, no static state, so any number of machines fits into one JVM.
 */
package io.jkvm.machine;
