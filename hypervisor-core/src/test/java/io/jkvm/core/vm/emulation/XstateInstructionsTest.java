// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmSregs.Segment;
import io.jkvm.core.kvm.state.KvmXcrs;
import io.jkvm.core.kvm.state.KvmXsave;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On the registers of a real vCPU, which runs no code, and page tables of the test's own. */
@RequiresKvm
class XstateInstructionsTest {
  // The instructions with [RDI] and REX.W.
  private static final String XSAVE = "480fae27";
  private static final String XSAVEOPT = "480fae37";
  private static final String XSAVEC = "480fc727";
  private static final String XRSTOR = "480fae2f";
  private static final String XGETBV = "0f01d0";
  private static final String LDMXCSR = "0fae17";
  private static final String STMXCSR = "0fae1f";

  private static final int PAGE_TABLE = 0x4000;
  private static final long PRESENT = 1;
  private static final long WRITABLE = 2;
  private static final long ACCESSED = 1 << 5;
  private static final long DIRTY = 1 << 6;

  /** The area begins in one page and ends in the next. */
  private static final long AREA = 0x20000 + 0x1000 - 640;

  private static final int X87_SSE_AVX = 7;
  private static final int AVX = 2;
  private static final int MXCSR = 0x3f80;

  private final CloseStack resources = new CloseStack("test");
  private final KvmRegs regs = new KvmRegs();
  private final KvmSregs sregs = new KvmSregs();
  private GuestMemory memory;
  private KvmVcpu vcpu;
  private XstateInstructions instructions;
  private Cpuid.Entry avx;

  @BeforeEach
  void makeVcpu() throws Exception {
    Kvm kvm = resources.push(Layer.HOST, Kvm.open("/dev/kvm"));
    Cpuid supported = kvm.supportedCpuid();
    assumeTrue(supported.find(0xd, AVX).isPresent(), "this host's KVM has no AVX");
    avx = supported.find(0xd, AVX).orElseThrow();
    memory = resources.push(Layer.MEMORY, GuestMemory.allocate(2 << 20));
    KvmVm vm = resources.push(Layer.VM, kvm.createVm());
    vm.setUserMemoryRegion(0, 0, memory.regions().get(0).mapping());
    vcpu = resources.push(Layer.VCPUS, vm.createVcpu(0));
    vcpu.setCpuid(supported);
    vcpu.setXcrs(new KvmXcrs().xcr0(X87_SSE_AVX));
    instructions = new XstateInstructions(memory, vcpu);
    for (int table = 0x1000; table < PAGE_TABLE; table += 0x1000) {
      memory.writeU64(table, table + 0x1000 | PRESENT | WRITABLE);
    }
    for (int page = 0; page < 512; page++) {
      memory.writeU64(PAGE_TABLE + 8 * page, page << 12 | PRESENT | WRITABLE);
    }
    vcpu.read(sregs);
    sregs.segment(Segment.CS, 8, 0, -1, KvmSregs.TYPE_CODE_READABLE, 0, true);
    sregs.efer(KvmSregs.EFER_LMA | KvmSregs.EFER_LME);
    sregs.cr0(KvmSregs.CR0_PE | KvmSregs.CR0_PG | KvmSregs.CR0_WP).cr3(0x1000);
    sregs.cr4(KvmSregs.CR4_PAE | KvmSregs.CR4_OSXSAVE);
    regs.set(KvmRegs.RAX, X87_SSE_AVX).set(KvmRegs.RDI, AREA);
  }

  @AfterEach
  void close() {
    resources.close();
  }

  private int execute(String code) throws Exception {
    Instruction instruction = Instruction.decode(HexFormat.of().parseHex(code), regs, sregs);
    assertEquals(code.length() / 2, instruction.length());
    return instructions.execute(instruction, regs, sregs);
  }

  private byte[] setRandomState(int seed, long components) throws Exception {
    byte[] bytes = new byte[KvmXsave.SIZE];
    new Random(seed).nextBytes(bytes);
    KvmXsave state = new KvmXsave();
    state.buffer().put(0, bytes);
    // Reserved words of the registers, and tags that say that all are used.
    state.buffer().putShort(0, (short) 0x37f).putShort(2, (short) 0).putShort(4, (short) 0xff);
    for (int i = 0; i < 8; i++) {
      state.buffer().putInt(32 + 16 * i + 10, 0).putShort(32 + 16 * i + 14, (short) 0);
    }
    state.buffer().putInt(28, 0xffff); // MXCSR_MASK
    state.buffer().put(416, new byte[160]);
    vcpu.setXsave(state.mxcsr(MXCSR).xstateBv(components));
    return state();
  }

  /** What a program could see of the registers. */
  private byte[] state() throws Exception {
    KvmXsave state = new KvmXsave();
    vcpu.read(state);
    ByteBuffer all = ByteBuffer.allocate(384 + avx.eax());
    byte[] part = new byte[384];
    state.buffer().get(32, part);
    all.put(part);
    part = new byte[avx.eax()];
    state.buffer().get(avx.ebx(), part);
    all.put(part).putInt(8, state.mxcsr());
    return all.array();
  }

  private long pageEntry(long linear) throws Exception {
    return memory.readU64(PAGE_TABLE + 8 * (linear >> 12));
  }

  @ParameterizedTest
  @ValueSource(strings = {XSAVE, XSAVEOPT, XSAVEC})
  void whatWasSavedIsRestored(String save) throws Exception {
    byte[] saved = setRandomState(1, X87_SSE_AVX);
    assertEquals(XstateInstructions.DONE, execute(save));
    setRandomState(2, X87_SSE_AVX);
    assertEquals(XstateInstructions.DONE, execute(XRSTOR));
    assertArrayEquals(saved, state());
    long used = PRESENT | WRITABLE | ACCESSED | DIRTY;
    assertEquals(AREA & -4096 | used, pageEntry(AREA));
    assertEquals((AREA & -4096) + 4096 | used, pageEntry(AREA + 4096));
  }

  @ParameterizedTest
  @ValueSource(strings = {XSAVE, XSAVEC})
  void onlyWhatIsAskedForIsRestored(String save) throws Exception {
    setRandomState(1, X87_SSE_AVX);
    assertEquals(XstateInstructions.DONE, execute(save));
    byte[] others = setRandomState(2, X87_SSE_AVX);
    regs.set(KvmRegs.RAX, 1 << AVX);
    assertEquals(XstateInstructions.DONE, execute(XRSTOR));
    byte[] now = state();
    for (int i = 0; i < 384; i++) {
      assertEquals(others[i], now[i]);
    }
    assertNotEquals(ByteBuffer.wrap(others, 384, avx.eax()), ByteBuffer.wrap(now, 384, avx.eax()));
  }

  @Test
  void whatIsInitialIsNotWrittenButTold() throws Exception {
    setRandomState(1, 3);
    for (String save : new String[] {XSAVEOPT, XSAVEC}) {
      long end = AREA + KvmXsave.HEADER_END;
      memory.writeU64(end, 0x1234);
      assertEquals(XstateInstructions.DONE, execute(save));
      assertEquals(3, memory.readU64(AREA + KvmXsave.XSTATE_BV));
      assertEquals(0x1234, memory.readU64(end));
    }
    assertEquals(X87_SSE_AVX | 1L << 63, memory.readU64(AREA + KvmXsave.XCOMP_BV));
    setRandomState(2, X87_SSE_AVX);
    assertEquals(XstateInstructions.DONE, execute(XRSTOR));
    byte[] now = state();
    assertEquals(
        ByteBuffer.allocate(avx.eax()), ByteBuffer.wrap(now, 384, avx.eax()), "AVX is initial");
  }

  @Test
  void badAreasAreGeneralProtectionFaults() throws Exception {
    byte[] before = setRandomState(1, X87_SSE_AVX);
    assertEquals(XstateInstructions.DONE, execute(XSAVE));
    regs.set(KvmRegs.RDI, AREA + 16);
    assertEquals(XstateInstructions.VECTOR_GP, execute(XSAVE));
    regs.set(KvmRegs.RDI, 1L << 62);
    assertEquals(XstateInstructions.VECTOR_GP, execute(XSAVE));
    assertEquals(0, instructions.errorCode());
    regs.set(KvmRegs.RDI, AREA);
    long[][] bad = {
      {KvmXsave.XSTATE_BV, 1L << 9},
      {KvmXsave.XCOMP_BV, 1},
      {KvmXsave.XCOMP_BV, 1L << 63},
      {KvmXsave.XCOMP_BV, 1L << 63 | 1L << 20},
      {KvmXsave.XCOMP_BV + 8, 1},
      {KvmXsave.MXCSR, -1},
    };
    for (long[] word : bad) {
      long kept = memory.readU64(AREA + word[0]);
      memory.writeU64(AREA + word[0], word[1]);
      assertEquals(XstateInstructions.VECTOR_GP, execute(XRSTOR), "at " + word[0]);
      memory.writeU64(AREA + word[0], kept);
    }
    assertArrayEquals(before, state());
  }

  @Test
  void pageFaultsTellTheAddressAndTheKind() throws Exception {
    setRandomState(1, X87_SSE_AVX);
    long second = (AREA & -4096) + 4096;
    memory.writeU64(PAGE_TABLE + 8 * (second >> 12), second | PRESENT);
    assertEquals(XstateInstructions.VECTOR_PF, execute(XSAVE));
    assertEquals(PageWalk.ERROR_PRESENT | PageWalk.ERROR_WRITE, instructions.errorCode());
    assertEquals(second, sregs.cr2());
    assertEquals(0, memory.readU64(AREA + KvmXsave.XSTATE_BV), "nothing is written");
    assertEquals(XstateInstructions.DONE, execute(XRSTOR));

    memory.writeU64(PAGE_TABLE + 8 * (AREA >> 12), 0);
    assertEquals(XstateInstructions.VECTOR_PF, execute(XRSTOR));
    assertEquals(0, instructions.errorCode());
    assertEquals(AREA, sregs.cr2());
    assertEquals(XstateInstructions.VECTOR_PF, execute(XSAVEC));
    assertEquals(PageWalk.ERROR_WRITE, instructions.errorCode());

    // A page that the tables know and the machine does not have.
    memory.writeU64(PAGE_TABLE + 8 * (second >> 12), second | PRESENT | WRITABLE);
    memory.writeU64(PAGE_TABLE + 8 * (AREA >> 12), 1L << 40 | PRESENT | WRITABLE);
    assertEquals(XstateInstructions.IMPOSSIBLE, execute(XSAVE));
  }

  @Test
  void theyMustBeEnabled() throws Exception {
    sregs.cr4(KvmSregs.CR4_PAE);
    for (String code : new String[] {XSAVE, XSAVEOPT, XSAVEC, XRSTOR, XGETBV}) {
      assertEquals(XstateInstructions.VECTOR_UD, execute(code));
    }
    sregs.cr4(KvmSregs.CR4_PAE | KvmSregs.CR4_OSXSAVE).cr0(sregs.cr0() | KvmSregs.CR0_TS);
    for (String code : new String[] {XSAVE, XRSTOR, LDMXCSR, STMXCSR}) {
      assertEquals(XstateInstructions.VECTOR_NM, execute(code));
    }
  }

  @Test
  void xgetbvTellsWhatIsEnabledAndWhatIsUsed() throws Exception {
    setRandomState(1, 3);
    regs.set(KvmRegs.RCX, 0).set(KvmRegs.RDX, -1);
    assertEquals(XstateInstructions.DONE, execute(XGETBV));
    assertEquals(X87_SSE_AVX, regs.get(KvmRegs.RAX));
    assertEquals(0, regs.get(KvmRegs.RDX));
    regs.set(KvmRegs.RCX, 1);
    assertEquals(XstateInstructions.DONE, execute(XGETBV));
    assertEquals(3, regs.get(KvmRegs.RAX));
    regs.set(KvmRegs.RCX, 2);
    assertEquals(XstateInstructions.VECTOR_GP, execute(XGETBV));
  }

  @Test
  void mxcsrAlone() throws Exception {
    byte[] before = setRandomState(1, X87_SSE_AVX);
    regs.set(KvmRegs.RDI, AREA + 3);
    assertEquals(XstateInstructions.DONE, execute(STMXCSR));
    assertEquals(MXCSR, memory.readU32(AREA + 3));
    memory.writeU32(AREA + 3, 0x5f80);
    assertEquals(XstateInstructions.DONE, execute(LDMXCSR));
    byte[] after = state();
    assertEquals(0x5f80, ByteBuffer.wrap(after).getInt(8));
    ByteBuffer.wrap(after).putInt(8, MXCSR);
    assertArrayEquals(before, after);
    memory.writeU32(AREA + 3, -1);
    assertEquals(XstateInstructions.VECTOR_GP, execute(LDMXCSR));
  }
}
