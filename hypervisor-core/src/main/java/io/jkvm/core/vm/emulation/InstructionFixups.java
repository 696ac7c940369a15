// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmVcpuEvents;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;

/**
 * Completes, in user space, the few instructions that KVM's emulator lacks and that kernels use
 * (KVM_EXIT_INTERNAL_ERROR, suberror 1). On hardware they never arrive here; on a KVM without
 * hardware behind it, which interprets all of ring 0, they do.
 *
 * <p>CMPXCHG16B is not atomic against other vCPUs when completed here, so a machine with several
 * hides it from CPUID.
 */
public final class InstructionFixups {
  private static final int VECTOR_BREAKPOINT = 3;
  private static final long RFLAGS_STATUS = 0x8d5; // CF PF AF ZF SF OF
  private static final long RFLAGS_ZF = 1 << 6;
  private static final long RFLAGS_AC = 1 << 18;

  private final GuestMemory memory;

  public InstructionFixups(GuestMemory memory) {
    this.memory = memory;
  }

  /** Does what the instruction at RIP would; false if it is not one of those known here. */
  public boolean complete(KvmVcpu vcpu) throws LinuxException {
    KvmRegs regs = vcpu.regs();
    KvmSregs sregs = vcpu.sregs();
    Instruction instruction;
    try {
      instruction = Instruction.decode(fetch(vcpu, regs, sregs), regs, sregs);
    } catch (GuestFault e) {
      return false;
    }
    if (instruction.operation() == Instruction.Operation.OTHER || !sregs.is64Bit()) {
      // The interrupt instructions need no operands, so any mode will do.
      if (instruction.operation() != Instruction.Operation.INT3
          && instruction.operation() != Instruction.Operation.INT_N) {
        return false;
      }
    }
    regs.rip(regs.rip() + instruction.length());
    KvmVcpuEvents events = null;
    switch (instruction.operation()) {
      case INT3 -> events = vcpu.events().injectException(VECTOR_BREAKPOINT);
      case INT_N -> events = inject(vcpu.events(), instruction.immediate());
      case FWAIT -> {} // no x87 exception can be pending: x87 arithmetic does not run here either
      case CLAC -> regs.rflags(regs.rflags() & ~RFLAGS_AC);
      case STAC -> regs.rflags(regs.rflags() | RFLAGS_AC);
      case POPCNT -> {
        if (!popcnt(vcpu, instruction, regs)) {
          return false;
        }
      }
      case CMPXCHG16B -> {
        if (!cmpxchg16b(vcpu, instruction, regs)) {
          return false;
        }
      }
      default -> {
        return false;
      }
    }
    vcpu.setRegs(regs);
    if (events != null) {
      vcpu.setEvents(events);
    }
    return true;
  }

  private static KvmVcpuEvents inject(KvmVcpuEvents events, int vector) {
    // KVM takes vectors up to 31 as exceptions only.
    return vector < 32 ? events.injectException(vector) : events.injectInterrupt(vector);
  }

  private boolean popcnt(KvmVcpu vcpu, Instruction i, KvmRegs regs) throws LinuxException {
    long source;
    if (i.isRegisterOperand()) {
      source = regs.get(i.operandRegister());
    } else {
      long address = physical(vcpu, i.operandAddress(), i.operandBytes());
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

  private boolean cmpxchg16b(KvmVcpu vcpu, Instruction i, KvmRegs regs) throws LinuxException {
    if (i.isRegisterOperand() || (i.operandAddress() & 15) != 0) {
      return false;
    }
    long address = physical(vcpu, i.operandAddress(), 16);
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
  private static long physical(KvmVcpu vcpu, long linear, int length) throws LinuxException {
    return (linear & 0xfff) + length > 0x1000 ? -1 : vcpu.translate(linear);
  }

  private byte[] fetch(KvmVcpu vcpu, KvmRegs regs, KvmSregs sregs)
      throws LinuxException, GuestFault {
    byte[] bytes = new byte[Instruction.MAX_BYTES];
    long linear = (sregs.is64Bit() ? 0 : sregs.base(KvmSregs.Segment.CS)) + regs.rip();
    int length = 0;
    while (length < bytes.length) {
      long physical = vcpu.translate(linear + length);
      if (!memory.contains(physical, 1)) {
        break;
      }
      bytes[length++] = (byte) memory.readU8(physical);
    }
    return java.util.Arrays.copyOf(bytes, length);
  }

  /** What a person needs to know about an instruction that can't be completed. */
  public String report(KvmVcpu vcpu) throws LinuxException {
    KvmRegs regs = vcpu.regs();
    KvmSregs sregs = vcpu.sregs();
    StringBuilder bytes = new StringBuilder();
    try {
      for (byte b : fetch(vcpu, regs, sregs)) {
        bytes.append(String.format(" %02x", b));
      }
    } catch (GuestFault e) {
      bytes.append(" unreadable");
    }
    return String.format(
        "vCPU %d, %s, instruction bytes:%s%n  %s%n  %s%n  exit data: %s%n"
            + "  Try a kernel or command line that avoids the instruction (clearcpuid=..., noxsave),"
            + " hide it with --cpuid -FEATURE,%n  or use a host whose processor has VT-x or AMD-V.",
        vcpu.id(), sregs.mode(), bytes, regs, sregs, vcpu.run().dataWords(6));
  }
}
