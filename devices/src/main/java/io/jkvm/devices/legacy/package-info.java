// SPDX-License-Identifier: Apache-2.0
/**
 * The small chips of an IBM PC/AT that a kernel still looks for: keyboard controller, the two reset
 * ports, the POST code port, and the power management registers of ACPI; and one of this project's,
 * where a guest leaves its exit status. The serial port and the clock have packages of their own.
 *
 * <p>Interrupt controllers and timer (8259A, I/O APIC, 8254) live in KVM. So does port 0x61 (system
 * control port B: gate and output of timer 2, speaker): an in-kernel timer made with {@code
 * KVM_PIT_SPEAKER_DUMMY} answers it, so it has no model here. A20 is always open: KVM has no gate
 * for it, and no guest of this project wants addresses to wrap at 1 MiB.
 */
package io.jkvm.devices.legacy;
