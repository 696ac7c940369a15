// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.ByteBuffer;

/** Writes what a vCPU in 64-bit mode needs from its first instruction on. */
public final class LongModeTables {
  /** Present, ring 0, readable code, 64-bit (Intel SDM volume 3, section 3.4.5). */
  private static final long CODE_DESCRIPTOR = 0x00AF_9B00_0000_FFFFL;

  /** Present, ring 0, writable data, 4 GiB. */
  private static final long DATA_DESCRIPTOR = 0x00CF_9300_0000_FFFFL;

  private static final int GDT_BYTES = LongModeEntry.DATA_SELECTOR + 8;

  private static final int PAGE_BYTES = 0x1000;
  private static final int ENTRIES = 512;
  private static final long LARGE_PAGE_BYTES = 2 << 20;

  /** All that is below 4 GiB: the boot protocol wants kernel, zero page and command line mapped. */
  private static final int DIRECTORIES = 4;

  /** Present, writable (Intel SDM volume 3, section 4.5). */
  private static final long TABLE = 0x3;

  /** Present, writable, accessed, dirty, large: spares the walker writes of its own. */
  private static final long LARGE_PAGE = 0xE3;

  private LongModeTables() {}

  /**
   * Writes the GDT and page tables, and tells how to enter.
   *
   * @param rip the kernel's 64-bit entry
   * @param zeroPage the address of what the kernel is told
   */
  public static LongModeEntry write(GuestMemory memory, long rip, long zeroPage) throws GuestFault {
    memory
        .slice(X86Layout.GDT, GDT_BYTES)
        .putLong(LongModeEntry.CODE_SELECTOR, CODE_DESCRIPTOR)
        .putLong(LongModeEntry.DATA_SELECTOR, DATA_DESCRIPTOR);
    ByteBuffer tables = memory.slice(X86Layout.PAGE_TABLES, (2 + DIRECTORIES) * PAGE_BYTES);
    tables.putLong(0, X86Layout.PAGE_TABLES + PAGE_BYTES | TABLE);
    for (int i = 0; i < DIRECTORIES; i++) {
      long directory = X86Layout.PAGE_TABLES + (2L + i) * PAGE_BYTES;
      tables.putLong(PAGE_BYTES + i * 8, directory | TABLE);
    }
    tables.position(2 * PAGE_BYTES);
    for (int i = 0; i < DIRECTORIES * ENTRIES; i++) {
      tables.putLong(i * LARGE_PAGE_BYTES | LARGE_PAGE);
    }
    return new LongModeEntry(rip, zeroPage, X86Layout.PAGE_TABLES, X86Layout.GDT, GDT_BYTES - 1);
  }
}
