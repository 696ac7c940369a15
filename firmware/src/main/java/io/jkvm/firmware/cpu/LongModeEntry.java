// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

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
  public static final int CODE_SELECTOR = 0x10;

  /** Linux's __BOOT_DS: flat data, present, writable, base 0, limit 4 GiB. */
  public static final int DATA_SELECTOR = 0x18;

  /** CR0: PE, MP, ET, NE, WP, AM, PG. */
  public static final long CR0 = 0x80050033L;

  /** CR4: PAE. */
  public static final long CR4 = 0x20;

  /** EFER: LME, LMA. */
  public static final long EFER = 0x500;
}
