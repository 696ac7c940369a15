// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.core.kvm.state.KvmSregs;

/**
 * The vCPU starts in 64-bit mode with interrupts off and paging on (Linux boot protocol, "64-bit
 * Boot Protocol"): CS, DS, ES and SS are flat and match the descriptors in the GDT; all general
 * registers but those named here are 0; RFLAGS is 2.
 *
 * @param rip the kernel's 64-bit entry
 * @param rsi the zero page
 * @param cr3 the page tables
 * @param gdtBase the descriptor table
 * @param gdtLimit its length in bytes less 1
 */
public record LongModeEntry(long rip, long rsi, long cr3, long gdtBase, int gdtLimit)
    implements BootState {
  /** Linux's __BOOT_CS: 64-bit code, present, readable, base 0. */
  static final int CODE_SELECTOR = 0x10;

  /** Linux's __BOOT_DS: flat data, present, writable, base 0, limit 4 GiB. */
  static final int DATA_SELECTOR = 0x18;

  static final long CR0 =
      KvmSregs.CR0_PE
          | KvmSregs.CR0_MP
          | KvmSregs.CR0_ET
          | KvmSregs.CR0_NE
          | KvmSregs.CR0_WP
          | KvmSregs.CR0_AM
          | KvmSregs.CR0_PG;

  static final long CR4 = KvmSregs.CR4_PAE;

  static final long EFER = KvmSregs.EFER_LME | KvmSregs.EFER_LMA;
}
