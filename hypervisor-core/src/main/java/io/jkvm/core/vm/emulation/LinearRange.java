// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.nio.ByteBuffer;

/**
 * A memory operand of up to two pages: all of it is translated first, so that an instruction that
 * faults has changed nothing. Used by one thread, again and again.
 */
final class LinearRange {
  private final GuestMemory memory;
  private final PageWalk pages;

  private int firstBytes;
  private long firstPhysical;
  private long secondPhysical;
  private long faultAddress;

  LinearRange(GuestMemory memory) {
    this.memory = memory;
    pages = new PageWalk(memory);
  }

  /**
   * Translates a range.
   *
   * @param linear canonical
   * @param length 1 to 4096 bytes
   * @return false for a page fault, see {@link #faultAddress} and {@link #errorCode}
   */
  boolean resolve(long linear, int length, boolean write, KvmRegs regs, KvmSregs sregs) {
    int inPage = PageWalk.PAGE_BYTES - (int) (linear & (PageWalk.PAGE_BYTES - 1));
    firstBytes = Math.min(inPage, length);
    faultAddress = linear;
    firstPhysical = pages.translate(linear, write, regs, sregs);
    if (firstPhysical >= 0 && firstBytes < length) {
      faultAddress = linear + firstBytes;
      secondPhysical = pages.translate(faultAddress, write, regs, sregs);
      return secondPhysical >= 0;
    }
    return firstPhysical >= 0;
  }

  /** The first linear address of the last page fault that is in its page. */
  long faultAddress() {
    return faultAddress;
  }

  /** Of the last page fault. */
  int errorCode() {
    return pages.errorCode();
  }

  /** Copies a part of the range that was resolved out of memory. */
  void read(int offset, ByteBuffer target, int at, int length) throws GuestFault {
    int first = Math.max(0, Math.min(firstBytes - offset, length));
    if (first > 0) {
      memory.read(firstPhysical + offset, target, at, first);
    }
    if (first < length) {
      memory.read(secondPhysical + offset + first - firstBytes, target, at + first, length - first);
    }
  }

  /** Copies into a part of the range that was resolved for writing. */
  void write(int offset, ByteBuffer source, int at, int length) throws GuestFault {
    int first = Math.max(0, Math.min(firstBytes - offset, length));
    if (first > 0) {
      memory.write(firstPhysical + offset, source, at, first);
    }
    if (first < length) {
      memory.write(
          secondPhysical + offset + first - firstBytes, source, at + first, length - first);
    }
  }
}
