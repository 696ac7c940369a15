// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;

/**
 * Enough of x86 decoding (Intel SDM vol. 2, chapter 2) for the instructions of {@link
 * InstructionFixups}: prefixes, REX, ModRM and SIB of 64-bit mode.
 *
 * @param length bytes of the whole instruction
 * @param immediate the vector of INT n
 * @param register position in {@link KvmRegs} of ModRM.reg
 * @param isRegisterOperand true if ModRM.rm names a register
 * @param operandRegister position of that register
 * @param operandAddress linear address of a memory operand
 * @param operandBytes operand size: 2, 4 or 8
 */
record Instruction(
    Operation operation,
    int length,
    int immediate,
    int register,
    boolean isRegisterOperand,
    int operandRegister,
    long operandAddress,
    int operandBytes) {

  /** The longest instruction that a processor accepts. */
  static final int MAX_BYTES = 15;

  /** What the instruction does. */
  enum Operation {
    INT3,
    INT_N,
    FWAIT,
    CLAC,
    STAC,
    POPCNT,
    CMPXCHG16B,
    XGETBV,
    XSAVE,
    XSAVEOPT,
    XSAVEC,
    XRSTOR,
    LDMXCSR,
    STMXCSR,
    OTHER
  }

  private static final Instruction UNKNOWN =
      new Instruction(Operation.OTHER, 0, 0, 0, false, 0, 0, 0);

  /** Decodes the instruction at the start of {@code code}; never fails, but may say OTHER. */
  static Instruction decode(byte[] code, KvmRegs regs, KvmSregs sregs) {
    try {
      return new Decoder(code, regs, sregs).decode();
    } catch (ArrayIndexOutOfBoundsException e) {
      return UNKNOWN; // the code ends, or its page does, inside the instruction
    }
  }

  private static Instruction simple(Operation operation, int length, int immediate) {
    return new Instruction(operation, length, immediate, 0, false, 0, 0, 0);
  }

  private static final class Decoder {
    private final byte[] code;
    private final KvmRegs regs;
    private final KvmSregs sregs;
    private int at;
    private boolean operandSize16;
    private boolean repeatF3;
    private long segmentBase;
    private int rex;

    Decoder(byte[] code, KvmRegs regs, KvmSregs sregs) {
      this.code = code;
      this.regs = regs;
      this.sregs = sregs;
    }

    Instruction decode() {
      if (!prefixes()) {
        return UNKNOWN;
      }
      int opcode = next();
      return switch (opcode) {
        case 0xcc -> simple(Operation.INT3, at, 0);
        case 0xcd -> {
          int vector = next();
          yield simple(Operation.INT_N, at, vector);
        }
        case 0x9b -> simple(Operation.FWAIT, at, 0);
        case 0x0f -> twoByte(next());
        default -> UNKNOWN;
      };
    }

    private Instruction twoByte(int opcode) {
      if (opcode == 0x01) {
        int modRm = next();
        return switch (modRm) {
          case 0xca -> simple(Operation.CLAC, at, 0);
          case 0xcb -> simple(Operation.STAC, at, 0);
          case 0xd0 -> simple(Operation.XGETBV, at, 0);
          default -> UNKNOWN;
        };
      }
      if (opcode == 0xb8 && repeatF3) {
        int bytes = (rex & 8) != 0 ? 8 : operandSize16 ? 2 : 4;
        return withModRm(Operation.POPCNT, bytes);
      }
      if (opcode == 0xc7 && (rex & 8) != 0 && (peek() >> 3 & 7) == 1) {
        return withModRm(Operation.CMPXCHG16B, 8);
      }
      boolean isPlain = !operandSize16 && !repeatF3;
      if (opcode == 0xae && isPlain && isMemoryOperand()) {
        return switch (peek() >> 3 & 7) {
          case 2 -> withModRm(Operation.LDMXCSR, 4);
          case 3 -> withModRm(Operation.STMXCSR, 4);
          case 4 -> withModRm(Operation.XSAVE, 8);
          case 5 -> withModRm(Operation.XRSTOR, 8);
          case 6 -> withModRm(Operation.XSAVEOPT, 8);
          default -> UNKNOWN;
        };
      }
      if (opcode == 0xc7 && isPlain && isMemoryOperand() && (peek() >> 3 & 7) == 4) {
        return withModRm(Operation.XSAVEC, 8);
      }
      return UNKNOWN;
    }

    private boolean isMemoryOperand() {
      return peek() >> 6 != 3;
    }

    /** Consumes prefixes; false for one whose effect is not modelled. */
    private boolean prefixes() {
      for (; ; at++) {
        switch (peek()) {
          case 0x66 -> operandSize16 = true;
          case 0xf3 -> repeatF3 = true;
          case 0xf0, 0x2e, 0x36, 0x3e, 0x26 -> {} // LOCK, and segments that are flat in 64-bit mode
          case 0x64 -> segmentBase = sregs.base(KvmSregs.Segment.FS);
          case 0x65 -> segmentBase = sregs.base(KvmSregs.Segment.GS);
          case 0x67, 0xf2 -> {
            return false;
          }
          default -> {
            if (sregs.is64Bit() && (peek() & 0xf0) == 0x40) {
              rex = next();
            }
            return true;
          }
        }
      }
    }

    private Instruction withModRm(Operation operation, int operandBytes) {
      int modRm = next();
      int mod = modRm >> 6;
      int register = KvmRegs.fromEncoding((modRm >> 3 & 7) | (rex & 4) << 1);
      int rm = modRm & 7;
      if (mod == 3) {
        int operand = KvmRegs.fromEncoding(rm | (rex & 1) << 3);
        return new Instruction(operation, at, 0, register, true, operand, 0, operandBytes);
      }
      long address = segmentBase;
      boolean ripRelative = mod == 0 && rm == 5;
      if (rm == 4) {
        int sib = next();
        int index = (sib >> 3 & 7) | (rex & 2) << 2;
        if (index != 4) {
          address += regs.get(KvmRegs.fromEncoding(index)) << (sib >> 6);
        }
        if ((sib & 7) == 5 && mod == 0) {
          address += next32();
        } else {
          address += regs.get(KvmRegs.fromEncoding((sib & 7) | (rex & 1) << 3));
        }
      } else if (ripRelative) {
        address += next32();
      } else {
        address += regs.get(KvmRegs.fromEncoding(rm | (rex & 1) << 3));
      }
      if (mod == 1) {
        address += (byte) next();
      } else if (mod == 2) {
        address += next32();
      }
      if (ripRelative) {
        address += regs.rip() + at;
      }
      return new Instruction(operation, at, 0, register, false, 0, address, operandBytes);
    }

    private int peek() {
      return code[at] & 0xff;
    }

    private int next() {
      return code[at++] & 0xff;
    }

    private int next32() {
      return next() | next() << 8 | next() << 16 | next() << 24;
    }
  }
}
