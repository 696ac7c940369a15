// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;

/**
 * Translates linear addresses as the processor does for data at CPL 0 in 64-bit mode (Intel SDM
 * vol. 3, sections 4.5 to 4.8), with accessed and dirty flags. KVM_TRANSLATE does not tell whether
 * a write is allowed. Protection keys and reserved bits are not looked at.
 *
 * <p>Used by one thread.
 */
final class PageWalk {
  /** Of a page fault's error code: the page is present. */
  static final int ERROR_PRESENT = 1;

  /** Of a page fault's error code: it was a write. */
  static final int ERROR_WRITE = 2;

  static final int PAGE_BYTES = 4096;

  private static final long PRESENT = 1;
  private static final long WRITABLE = 1 << 1;
  private static final long USER = 1 << 2;
  private static final long ACCESSED = 1 << 5;
  private static final long DIRTY = 1 << 6;
  private static final long LARGE = 1 << 7;
  private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
  private static final int INDEX_BITS = 9;
  private static final int MAX_WALKS = 100;
  private static final long RETRY = -2;

  private final GuestMemory memory;
  private int errorCode;

  PageWalk(GuestMemory memory) {
    this.memory = memory;
  }

  /** Whether an address is canonical in the guest's mode of paging. */
  static boolean isCanonical(long linear, KvmSregs sregs) {
    int unused = Long.SIZE - 12 - INDEX_BITS * levels(sregs);
    return linear << unused >> unused == linear;
  }

  /**
   * The guest-physical address of a canonical linear one, or -1 for a page fault with {@link
   * #errorCode}.
   */
  long translate(long linear, boolean write, KvmRegs regs, KvmSregs sregs) {
    try {
      for (int i = 0; i < MAX_WALKS; i++) {
        long physical = walk(linear, write, regs, sregs);
        if (physical != RETRY) {
          return physical;
        }
      }
      return fault(write, false); // a guest that changes its tables all the time
    } catch (GuestFault e) {
      return fault(write, false); // a table outside of RAM has nothing in it
    }
  }

  /** Of the last page fault (Intel SDM vol. 3, section 4.7). */
  int errorCode() {
    return errorCode;
  }

  private static int levels(KvmSregs sregs) {
    return (sregs.cr4() & KvmSregs.CR4_LA57) != 0 ? 5 : 4;
  }

  private long walk(long linear, boolean write, KvmRegs regs, KvmSregs sregs) throws GuestFault {
    long table = sregs.cr3() & ADDRESS;
    long rights = WRITABLE | USER;
    for (int level = levels(sregs) - 1; ; level--) {
      int shift = 12 + INDEX_BITS * level;
      long at = table + (linear >>> shift & (1 << INDEX_BITS) - 1) * Long.BYTES;
      long entry = memory.readU64(at);
      if ((entry & PRESENT) == 0) {
        return fault(write, false);
      }
      rights &= entry;
      boolean isPage = level == 0 || level <= 2 && (entry & LARGE) != 0;
      if (isPage && !isAllowed(write, rights, regs, sregs)) {
        return fault(write, true);
      }
      long flagged = entry | ACCESSED | (isPage && write ? DIRTY : 0);
      if (flagged != entry && !memory.compareAndSetU64(at, entry, flagged)) {
        return RETRY; // another vCPU has changed the entry
      }
      if (isPage) {
        long offset = (1L << shift) - 1;
        return entry & ADDRESS & ~offset | linear & offset;
      }
      table = entry & ADDRESS;
    }
  }

  private static boolean isAllowed(boolean write, long rights, KvmRegs regs, KvmSregs sregs) {
    if (write && (rights & WRITABLE) == 0 && (sregs.cr0() & KvmSregs.CR0_WP) != 0) {
      return false;
    }
    boolean smap = (sregs.cr4() & KvmSregs.CR4_SMAP) != 0;
    return !smap || (rights & USER) == 0 || (regs.rflags() & KvmRegs.RFLAGS_AC) != 0;
  }

  private long fault(boolean write, boolean present) {
    errorCode = (write ? ERROR_WRITE : 0) | (present ? ERROR_PRESENT : 0);
    return -1;
  }
}
