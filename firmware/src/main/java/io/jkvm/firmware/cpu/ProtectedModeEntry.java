// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.core.kvm.state.KvmSregs;

/**
 * The vCPU starts in 32-bit protected mode with interrupts and paging off (Xen's {@code
 * docs/misc/pvh.pandoc}, "PVH specification"): CS, DS, ES and SS are flat; TR has base 0 and limit
 * {@link #TASK_STATE_LIMIT}; CR4 and EFER are 0; all general registers but those named here are 0;
 * EFLAGS is 2. There is no GDT: the kernel loads its own before it loads a segment register.
 *
 * @param eip the kernel's 32-bit entry
 * @param ebx the start information, struct hvm_start_info
 */
public record ProtectedModeEntry(long eip, long ebx) implements BootState {
  static final long CR0 = KvmSregs.CR0_PE | KvmSregs.CR0_ET;

  /** Not null selectors: the specification leaves open which they are. */
  static final int CODE_SELECTOR = 0x8;

  static final int DATA_SELECTOR = 0x10;

  /** Limit of the 32-bit TSS in TR, in bytes less 1. */
  static final int TASK_STATE_LIMIT = 0x67;
}
