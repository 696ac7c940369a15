// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmXcrs;
import io.jkvm.core.kvm.state.KvmXsave;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.nio.ByteBuffer;

/**
 * XSAVE, XSAVEOPT, XSAVEC, XRSTOR, XGETBV, LDMXCSR and STMXCSR at CPL 0 in 64-bit mode (Intel SDM
 * vol. 1, chapter 13). A kernel that can't run them saves only a part of its programs' vector
 * registers, and these see the rest whatever CPUID says: wrong results without a word.
 *
 * <p>The area has 64-bit instruction and data pointers of the x87, as with REX.W, which is how a
 * 64-bit kernel has it. Used by the vCPU's thread only; nothing is allocated.
 */
final class XstateInstructions {
  /** No exception. */
  static final int DONE = -1;

  /** The operand is no RAM: nothing that can be completed. */
  static final int IMPOSSIBLE = -2;

  static final int VECTOR_UD = 6;
  static final int VECTOR_NM = 7;
  static final int VECTOR_GP = 13;
  static final int VECTOR_PF = 14;

  private static final long X87 = 1;
  private static final long SSE = 2;
  private static final long AVX = 4;
  private static final long LEGACY = X87 | SSE;
  private static final long COMPACTED = 1L << 63;
  private static final int MXCSR_INITIAL = 0x1f80;
  private static final int MXCSR_DEFAULT_MASK = 0xffbf;
  private static final int MXCSR_MASK = 28;
  private static final int MXCSR_BYTES = 8;
  private static final int X87_REGISTERS = 32;
  private static final int XMM_REGISTERS = 160;
  private static final int XMM_END = 416;
  private static final int AREA_ALIGNMENT = 64;
  private static final long CR0_EM = 1 << 2;

  private final KvmVcpu vcpu;
  private final LinearRange operand;
  private final KvmXsave state = new KvmXsave();
  private final KvmXcrs xcrs = new KvmXcrs();
  private final ByteBuffer area = new NativeMemory(KvmXsave.SIZE).buffer();
  private XstateLayout layout;
  private int errorCode;

  XstateInstructions(GuestMemory memory, KvmVcpu vcpu) {
    this.vcpu = vcpu;
    operand = new LinearRange(memory);
  }

  /**
   * Carries out one of the instructions; changes {@code regs} for XGETBV and CR2 in {@code sregs}
   * for a page fault.
   *
   * @return {@link #DONE}, {@link #IMPOSSIBLE}, or the vector of an exception to deliver
   */
  int execute(Instruction i, KvmRegs regs, KvmSregs sregs) throws LinuxException {
    errorCode = 0;
    vcpu.read(xcrs);
    int result;
    try {
      result =
          switch (i.operation()) {
            case XGETBV -> xgetbv(regs, sregs);
            case LDMXCSR, STMXCSR -> mxcsr(i, regs, sregs);
            default -> area(i, regs, sregs);
          };
    } catch (GuestFault e) {
      return IMPOSSIBLE; // a device's memory, or none
    }
    if (result == VECTOR_PF) {
      sregs.cr2(operand.faultAddress());
      errorCode = operand.errorCode();
    }
    return result;
  }

  /** What the exception of the last {@link #execute} has as its error code. */
  int errorCode() {
    return errorCode;
  }

  private int xgetbv(KvmRegs regs, KvmSregs sregs) throws LinuxException {
    if ((sregs.cr4() & KvmSregs.CR4_OSXSAVE) == 0) {
      return VECTOR_UD;
    }
    long value = xcrs.xcr0();
    long index = regs.get(KvmRegs.RCX) & 0xffff_ffffL;
    if (index == 1) {
      vcpu.read(state);
      value &= inUse();
    } else if (index != 0) {
      return VECTOR_GP;
    }
    regs.set(KvmRegs.RAX, value & 0xffff_ffffL).set(KvmRegs.RDX, value >>> 32);
    return DONE;
  }

  private int mxcsr(Instruction i, KvmRegs regs, KvmSregs sregs) throws LinuxException, GuestFault {
    if ((sregs.cr0() & CR0_EM) != 0) {
      return VECTOR_UD;
    }
    if ((sregs.cr0() & KvmSregs.CR0_TS) != 0) {
      return VECTOR_NM;
    }
    boolean store = i.operation() == Instruction.Operation.STMXCSR;
    long address = i.operandAddress();
    if (!PageWalk.isCanonical(address, sregs)) {
      return VECTOR_GP;
    }
    if (!operand.resolve(address, Integer.BYTES, store, regs, sregs)) {
      return VECTOR_PF;
    }
    vcpu.read(state);
    if (store) {
      operand.write(0, state.buffer(), KvmXsave.MXCSR, Integer.BYTES);
      return DONE;
    }
    operand.read(0, area, 0, Integer.BYTES);
    int value = area.getInt(0);
    if (!isValidMxcsr(value)) {
      return VECTOR_GP;
    }
    setState(state.xstateBv(), value);
    return DONE;
  }

  private int area(Instruction i, KvmRegs regs, KvmSregs sregs) throws LinuxException, GuestFault {
    if ((sregs.cr4() & KvmSregs.CR4_OSXSAVE) == 0) {
      return VECTOR_UD;
    }
    if ((sregs.cr0() & KvmSregs.CR0_TS) != 0) {
      return VECTOR_NM;
    }
    long address = i.operandAddress();
    if ((address & (AREA_ALIGNMENT - 1)) != 0 || !PageWalk.isCanonical(address, sregs)) {
      return VECTOR_GP;
    }
    if (layout == null) {
      layout = new XstateLayout(vcpu.cpuid());
    }
    long wanted = regs.get(KvmRegs.RDX) << 32 | regs.get(KvmRegs.RAX) & 0xffff_ffffL;
    long components = wanted & xcrs.xcr0();
    if ((components & ~LEGACY & ~layout.known()) != 0) {
      return IMPOSSIBLE; // state whose place is not known must not be lost without a word
    }
    return switch (i.operation()) {
      case XRSTOR -> restore(address, components, regs, sregs);
      case XSAVEC -> saveCompacted(address, components, regs, sregs);
      case XSAVEOPT -> save(address, components, true, regs, sregs);
      default -> save(address, components, false, regs, sregs);
    };
  }

  /** XINUSE; unlike the hardware's, with component 1 where only MXCSR is not initial. */
  private long inUse() {
    return state.xstateBv() | (state.mxcsr() != MXCSR_INITIAL ? SSE : 0);
  }

  private int save(long address, long components, boolean optimized, KvmRegs regs, KvmSregs sregs)
      throws LinuxException, GuestFault {
    if (!operand.resolve(address, standardBytes(components), true, regs, sregs)) {
      return VECTOR_PF;
    }
    vcpu.read(state);
    long inUse = inUse();
    long written = optimized ? components & inUse : components;
    writeLegacy(written);
    if ((components & (SSE | AVX)) != 0) {
      operand.write(KvmXsave.MXCSR, state.buffer(), KvmXsave.MXCSR, MXCSR_BYTES);
    }
    for (long left = written & ~LEGACY; left != 0; left &= left - 1) {
      int component = Long.numberOfTrailingZeros(left);
      int offset = layout.offset(component);
      operand.write(offset, state.buffer(), offset, layout.size(component));
    }
    operand.read(KvmXsave.XSTATE_BV, area, 0, Long.BYTES);
    area.putLong(0, area.getLong(0) & ~components | components & inUse);
    operand.write(KvmXsave.XSTATE_BV, area, 0, Long.BYTES);
    return DONE;
  }

  private int saveCompacted(long address, long components, KvmRegs regs, KvmSregs sregs)
      throws LinuxException, GuestFault {
    int bytes = layout.compactedOffset(components, Long.SIZE - 1);
    if (!operand.resolve(address, bytes, true, regs, sregs)) {
      return VECTOR_PF;
    }
    vcpu.read(state);
    long written = components & inUse();
    writeLegacy(written);
    if ((written & SSE) != 0) {
      operand.write(KvmXsave.MXCSR, state.buffer(), KvmXsave.MXCSR, MXCSR_BYTES);
    }
    for (long left = written & ~LEGACY; left != 0; left &= left - 1) {
      int component = Long.numberOfTrailingZeros(left);
      operand.write(
          layout.compactedOffset(components, component),
          state.buffer(),
          layout.offset(component),
          layout.size(component));
    }
    area.putLong(0, written).putLong(Long.BYTES, components | COMPACTED);
    operand.write(KvmXsave.XSTATE_BV, area, 0, 2 * Long.BYTES);
    return DONE;
  }

  private void writeLegacy(long components) throws GuestFault {
    ByteBuffer from = state.buffer();
    if ((components & X87) != 0) {
      operand.write(0, from, 0, KvmXsave.MXCSR);
      operand.write(X87_REGISTERS, from, X87_REGISTERS, XMM_REGISTERS - X87_REGISTERS);
    }
    if ((components & SSE) != 0) {
      operand.write(XMM_REGISTERS, from, XMM_REGISTERS, XMM_END - XMM_REGISTERS);
    }
  }

  private int restore(long address, long components, KvmRegs regs, KvmSregs sregs)
      throws LinuxException, GuestFault {
    if (!operand.resolve(address, KvmXsave.HEADER_END, false, regs, sregs)) {
      return VECTOR_PF;
    }
    operand.read(0, area, 0, KvmXsave.HEADER_END);
    long present = area.getLong(KvmXsave.XSTATE_BV);
    long format = area.getLong(KvmXsave.XCOMP_BV);
    boolean compacted = (format & COMPACTED) != 0;
    if (!isValidHeader(present, format)) {
      return VECTOR_GP;
    }
    long loaded = components & present;
    int bytes =
        compacted
            ? layout.compactedOffset(format & ~COMPACTED, Long.SIZE - 1)
            : standardBytes(components);
    if (!operand.resolve(address, bytes, false, regs, sregs)) {
      return VECTOR_PF;
    }
    vcpu.read(state);
    int mxcsr = state.mxcsr();
    if (compacted && (components & SSE) != 0) {
      mxcsr = (loaded & SSE) != 0 ? area.getInt(KvmXsave.MXCSR) : MXCSR_INITIAL;
    } else if (!compacted && (components & (SSE | AVX)) != 0) {
      mxcsr = area.getInt(KvmXsave.MXCSR);
    }
    if (!isValidMxcsr(mxcsr)) {
      return VECTOR_GP;
    }
    ByteBuffer to = state.buffer();
    if ((loaded & X87) != 0) {
      to.put(0, area, 0, KvmXsave.MXCSR);
      to.put(X87_REGISTERS, area, X87_REGISTERS, XMM_REGISTERS - X87_REGISTERS);
    }
    if ((loaded & SSE) != 0) {
      to.put(XMM_REGISTERS, area, XMM_REGISTERS, XMM_END - XMM_REGISTERS);
    }
    for (long left = loaded & ~LEGACY; left != 0; left &= left - 1) {
      int component = Long.numberOfTrailingZeros(left);
      int offset = layout.offset(component);
      int from = compacted ? layout.compactedOffset(format & ~COMPACTED, component) : offset;
      operand.read(from, to, offset, layout.size(component));
    }
    setState(state.xstateBv() & ~components | loaded, mxcsr);
    return DONE;
  }

  private boolean isValidHeader(long present, long format) {
    boolean compacted = (format & COMPACTED) != 0;
    long allowed = compacted ? format & ~COMPACTED : xcrs.xcr0();
    if ((present & ~allowed) != 0 || compacted && (allowed & ~xcrs.xcr0()) != 0) {
      return false;
    }
    if (!compacted && format != 0) {
      return false;
    }
    // The standard format leaves the rest of the header to software (Intel SDM vol. 1, 13.8.1).
    int end = compacted ? KvmXsave.HEADER_END : KvmXsave.XCOMP_BV + 2 * Long.BYTES;
    for (int at = KvmXsave.XCOMP_BV + Long.BYTES; at < end; at += Long.BYTES) {
      if (area.getLong(at) != 0) {
        return false;
      }
    }
    return true;
  }

  private boolean isValidMxcsr(int value) {
    int mask = state.buffer().getInt(MXCSR_MASK);
    return (value & ~(mask != 0 ? mask : MXCSR_DEFAULT_MASK)) == 0;
  }

  /** Component 1 is always given, as KVM takes MXCSR only with it. */
  private void setState(long components, int mxcsr) throws LinuxException {
    if ((components & SSE) == 0) {
      for (int at = XMM_REGISTERS; at < XMM_END; at += Long.BYTES) {
        state.buffer().putLong(at, 0);
      }
    }
    vcpu.setXsave(state.mxcsr(mxcsr).xstateBv(components | SSE));
  }

  private int standardBytes(long components) {
    long beyond = components & ~LEGACY;
    int end = KvmXsave.HEADER_END;
    for (long left = beyond; left != 0; left &= left - 1) {
      int component = Long.numberOfTrailingZeros(left);
      end = Math.max(end, layout.offset(component) + layout.size(component));
    }
    return end;
  }
}
