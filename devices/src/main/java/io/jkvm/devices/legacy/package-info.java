// SPDX-License-Identifier: Apache-2.0
/**
 * The chips of an IBM PC/AT that a kernel still looks for: serial port, keyboard controller,
 * CMOS/RTC, fast A20/reset and the POST code port.
 *
 * <p>Interrupt controllers and timer (8259A, I/O APIC, 8254) live in KVM. So does port 0x61 (system
 * control port B: gate and output of timer 2, speaker): an in-kernel timer made with {@code
 * KVM_PIT_SPEAKER_DUMMY} answers it, so it has no model here. A20 is always open: KVM has no gate
 * for it, and no guest of this project wants addresses to wrap at 1 MiB.
 */
package io.jkvm.devices.legacy;
