// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmSregs.Segment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class InstructionTest {
  private final KvmRegs regs = new KvmRegs();
  private final KvmSregs sregs = new KvmSregs();

  InstructionTest() {
    sregs.segment(Segment.CS, 0x10, 0, -1, 11, 0, true);
    sregs.segment(Segment.GS, 0, 0x7000, -1, 3, 0, false);
    sregs.efer(KvmSregs.EFER_LMA | KvmSregs.EFER_LME);
    regs.rip(0x1000);
    for (int i = 0; i < 16; i++) {
      regs.set(KvmRegs.fromEncoding(i), 0x100_0000L * i);
    }
  }

  private Instruction decode(String hex) {
    return Instruction.decode(HexFormat.of().parseHex(hex), regs, sregs);
  }

  @Test
  void interrupts() {
    assertEquals(Instruction.Operation.INT3, decode("cc90").operation());
    assertEquals(1, decode("cc90").length());
    assertEquals(0x80, decode("cd80").immediate());
    assertEquals(2, decode("cd80").length());
    assertEquals(Instruction.Operation.FWAIT, decode("9b").operation());
    assertEquals(Instruction.Operation.STAC, decode("0f01cb").operation());
    assertEquals(Instruction.Operation.CLAC, decode("0f01ca").operation());
  }

  @Test
  void popcntRegisters() {
    Instruction i = decode("f34d0fb8c2"); // popcnt r8, r10
    assertEquals(Instruction.Operation.POPCNT, i.operation());
    assertTrue(i.isRegisterOperand());
    assertEquals(KvmRegs.fromEncoding(8), i.register());
    assertEquals(KvmRegs.fromEncoding(10), i.operandRegister());
    assertEquals(8, i.operandBytes());
    assertEquals(5, i.length());
    assertEquals(2, decode("66f30fb8c1").operandBytes());
    assertEquals(4, decode("f30fb8c1").operandBytes());
  }

  @Test
  void memoryOperands() {
    // popcnt rax, [rip + 0x10]: relative to the next instruction
    assertEquals(0x1000 + 9 + 0x10, decode("f3480fb80510000000").operandAddress());
    // popcnt eax, [rbx + r9*4 - 8]
    assertEquals(0x300_0000L + 0x900_0000L * 4 - 8, decode("f3420fb8448bf8").operandAddress());
    // popcnt eax, [rsp]; index 4 is "none"
    assertEquals(0x400_0000L, decode("f30fb80424").operandAddress());
    // popcnt eax, gs:[0x20] (no base, no index)
    assertEquals(0x7020, decode("65f30fb8042520000000").operandAddress());
    // lock cmpxchg16b [r12 + 0x100]
    Instruction i = decode("f0490fc78c2400010000");
    assertEquals(Instruction.Operation.CMPXCHG16B, i.operation());
    assertEquals(0xc00_0000L + 0x100, i.operandAddress());
    assertEquals(10, i.length());
  }

  @Test
  void leavesTheRestAlone() {
    for (String hex :
        new String[] {
          "",
          "0f",
          "cd",
          "f3",
          "0fb8c1",
          "0fc7c8",
          "67f30fb800",
          "f3480fb805",
          "90",
          "66666666666666666666666666666666"
        }) {
      assertEquals(Instruction.Operation.OTHER, decode(hex).operation(), hex);
    }
  }
}
