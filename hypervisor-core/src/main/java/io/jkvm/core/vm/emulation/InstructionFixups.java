// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmVcpuEvents;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.util.Arrays;

/**
 * Completes, in user space, the few instructions that KVM's emulator lacks and that kernels use
 * (KVM_EXIT_INTERNAL_ERROR, suberror 1). On hardware they never arrive here; on a KVM without
 * hardware behind it, which interprets all of ring 0, they do.
 *
 * <p>CMPXCHG16B is not atomic against other vCPUs when completed here, so a machine with several
 * hides it from CPUID.
 *
 * <p>One for each vCPU, used by its thread only; its buffers are, because an interpreting KVM comes
 * here thousands of times a second.
 */
public final class InstructionFixups {
  private static final int PAGE_BYTES = 4096;
  private static final int VECTOR_BREAKPOINT = 3;
  private static final long RFLAGS_STATUS = 0x8d5; // CF PF AF ZF SF OF
  private static final long RFLAGS_ZF = 1 << 6;

  private final GuestMemory memory;
  private final KvmVcpu vcpu;
  private final KvmRegs regs = new KvmRegs();
  private final KvmSregs sregs = new KvmSregs();
  private final KvmVcpuEvents events = new KvmVcpuEvents();
  private final byte[] code = new byte[Instruction.MAX_BYTES];
  private final XstateInstructions xstate;

  public InstructionFixups(GuestMemory memory, KvmVcpu vcpu) {
    this.memory = memory;
    this.vcpu = vcpu;
    xstate = new XstateInstructions(memory, vcpu);
  }

  /** Does what the instruction at RIP would; false if it is not one of those known here. */
  public boolean complete() throws LinuxException {
    vcpu.read(regs);
    vcpu.read(sregs);
    Instruction instruction = Instruction.decode(fetch(), regs, sregs);
    if (instruction.operation() == Instruction.Operation.OTHER || !sregs.is64Bit()) {
      // The interrupt instructions need no operands, so any mode will do.
      if (instruction.operation() != Instruction.Operation.INT3
          && instruction.operation() != Instruction.Operation.INT_N) {
        return false;
      }
    }
    if (isXstate(instruction)) {
      return completeXstate(instruction);
    }
    regs.rip(regs.rip() + instruction.length());
    int vector = -1;
    switch (instruction.operation()) {
      case INT3 -> vector = VECTOR_BREAKPOINT;
      case INT_N -> vector = instruction.immediate();
      case FWAIT -> {} // no x87 exception can be pending: x87 arithmetic does not run here either
      case CLAC -> regs.rflags(regs.rflags() & ~KvmRegs.RFLAGS_AC);
      case STAC -> regs.rflags(regs.rflags() | KvmRegs.RFLAGS_AC);
      case POPCNT -> {
        if (!popcnt(instruction)) {
          return false;
        }
      }
      case CMPXCHG16B -> {
        if (!cmpxchg16b(instruction)) {
          return false;
        }
      }
      default -> {
        return false;
      }
    }
    vcpu.setRegs(regs);
    if (vector >= 0) {
      inject(vector);
    }
    return true;
  }

  private static boolean isXstate(Instruction instruction) {
    return switch (instruction.operation()) {
      case XGETBV, XSAVE, XSAVEOPT, XSAVEC, XRSTOR, LDMXCSR, STMXCSR -> true;
      default -> false;
    };
  }

  private boolean completeXstate(Instruction instruction) throws LinuxException {
    int vector = xstate.execute(instruction, regs, sregs);
    if (vector == XstateInstructions.IMPOSSIBLE) {
      return false;
    }
    if (vector == XstateInstructions.DONE) {
      vcpu.setRegs(regs.rip(regs.rip() + instruction.length()));
      return true;
    }
    // A fault: the instruction has changed nothing and is still at RIP.
    vcpu.setRegs(regs);
    if (vector == XstateInstructions.VECTOR_PF) {
      vcpu.setSregs(sregs);
    }
    vcpu.read(events);
    boolean hasErrorCode =
        vector == XstateInstructions.VECTOR_GP || vector == XstateInstructions.VECTOR_PF;
    vcpu.setEvents(
        hasErrorCode
            ? events.injectException(vector, xstate.errorCode())
            : events.injectException(vector));
    return true;
  }

  private void inject(int vector) throws LinuxException {
    vcpu.read(events);
    // KVM takes vectors up to 31 as exceptions only.
    vcpu.setEvents(vector < 32 ? events.injectException(vector) : events.injectInterrupt(vector));
  }

  /**
   * To be called before the guest is entered again at an instruction that could not be completed:
   * most KVMs have queued an invalid-opcode exception for it, which the guest must not get.
   *
   * @return RIP
   */
  public long dropQueuedException() throws LinuxException {
    vcpu.read(regs);
    vcpu.setRegs(regs);
    return regs.rip();
  }

  private boolean popcnt(Instruction i) throws LinuxException {
    long source;
    if (i.isRegisterOperand()) {
      source = regs.get(i.operandRegister());
    } else {
      long address = physical(i.operandAddress(), i.operandBytes());
      try {
        source =
            switch (i.operandBytes()) {
              case 2 -> memory.readU16(address);
              case 4 -> memory.readU32(address);
              default -> memory.readU64(address);
            };
      } catch (GuestFault e) {
        return false;
      }
    }
    long mask = i.operandBytes() == 8 ? -1L : (1L << (8 * i.operandBytes())) - 1;
    long count = Long.bitCount(source & mask);
    // A 16-bit result keeps the rest of the register; a 32-bit one clears it.
    long kept = i.operandBytes() == 2 ? regs.get(i.register()) & ~0xffffL : 0;
    regs.set(i.register(), kept | count);
    regs.rflags((regs.rflags() & ~RFLAGS_STATUS) | ((source & mask) == 0 ? RFLAGS_ZF : 0));
    return true;
  }

  private boolean cmpxchg16b(Instruction i) throws LinuxException {
    if (i.isRegisterOperand() || (i.operandAddress() & 15) != 0) {
      return false;
    }
    long address = physical(i.operandAddress(), 16);
    try {
      long low = memory.readU64(address);
      long high = memory.readU64(address + 8);
      if (low == regs.get(KvmRegs.RAX) && high == regs.get(KvmRegs.RDX)) {
        memory.writeU64(address, regs.get(KvmRegs.RBX));
        memory.writeU64(address + 8, regs.get(KvmRegs.RCX));
        regs.rflags(regs.rflags() | RFLAGS_ZF);
      } else {
        regs.set(KvmRegs.RAX, low).set(KvmRegs.RDX, high);
        regs.rflags(regs.rflags() & ~RFLAGS_ZF);
      }
      return true;
    } catch (GuestFault e) {
      return false;
    }
  }

  /** Where a linear range that does not cross a page is; an address outside RAM where it is not. */
  private long physical(long linear, int length) throws LinuxException {
    return (linear & (PAGE_BYTES - 1)) + length > PAGE_BYTES ? -1 : vcpu.translate(linear);
  }

  /** The bytes at RIP, fewer than an instruction may have where the page or RAM ends. */
  private byte[] fetch() throws LinuxException {
    long linear = (sregs.is64Bit() ? 0 : sregs.base(KvmSregs.Segment.CS)) + regs.rip();
    int length = 0;
    try {
      while (length < code.length) {
        int inPage = PAGE_BYTES - (int) ((linear + length) & (PAGE_BYTES - 1));
        int part = Math.min(code.length - length, inPage);
        memory.read(vcpu.translate(linear + length), code, length, part);
        length += part;
      }
    } catch (GuestFault e) {
      return Arrays.copyOf(code, length); // not mapped, or no RAM
    }
    return code;
  }

  /** What a person needs to know about an instruction that can't be completed. */
  public String report() throws LinuxException {
    vcpu.read(regs);
    vcpu.read(sregs);
    byte[] instruction = fetch();
    StringBuilder bytes = new StringBuilder();
    for (byte b : instruction) {
      bytes.append(String.format(" %02x", b));
    }
    return String.format(
        "%svCPU %d, %s, instruction bytes:%s%n  %s%n  %s%n  exit data: %s",
        InstructionName.of(instruction, sregs.is64Bit()).map(name -> name + ", ").orElse(""),
        vcpu.id(),
        sregs.mode(),
        bytes,
        regs,
        sregs,
        vcpu.run().dataWords(6));
  }
}
