// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.probe;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.Cpuid.Entry;
import io.jkvm.core.kvm.state.Cpuid.Register;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;

/**
 * A processor feature that kernels use at CPL 0, with instructions that fail where it does not work
 * (Intel SDM vol. 2, each instruction and CPUID).
 *
 * <p>The instructions may change RAX, RBX, RCX, RDX, XMM0 and flags. RDI holds the address of 64
 * bytes that they may use, aligned to 64.
 */
public enum RingZeroFeature {
  POPCNT(1, Register.ECX, 23, "f30fb8c0"),
  CX16(1, Register.ECX, 13, "480fc70f"),
  /** Sets CR4.SMEP and clears it. */
  SMEP(7, Register.EBX, 7, "0f20e0 480fbae814 0f22e0 480fbaf014 0f22e0"),
  /** Sets CR4.SMAP, STAC, CLAC, clears it. */
  SMAP(7, Register.EBX, 20, "0f20e0 480fbae815 0f22e0 0f01cb 0f01ca 480fbaf015 0f22e0"),
  RDTSCP(0x80000001, Register.EDX, 27, "0f01f9"),
  RDPID(7, Register.ECX, 22, "f30fc7f8"),
  /** All contexts. */
  INVPCID(7, Register.EBX, 10, "b902000000 660f38824f20"),
  CLWB(7, Register.EBX, 24, "660fae37"),
  CLFLUSHOPT(7, Register.EBX, 23, "660fae3f"),
  SERIALIZE(7, Register.EDX, 14, "0f01e8"),
  MONITOR(1, Register.ECX, 3, "4889f8 31c9 31d2 0f01c8"),
  MOVBE(1, Register.ECX, 22, "0f38f007"),
  /** ANDN. */
  BMI1(7, Register.EBX, 3, "c4e278f2c0"),
  /** SHLX. */
  BMI2(7, Register.EBX, 8, "c4e279f7c0"),
  /** ADCX. */
  ADX(7, Register.EBX, 19, "660f38f6c0"),
  RDRAND(1, Register.ECX, 30, "0fc7f0"),
  RDSEED(7, Register.EBX, 18, "0fc7f8"),
  /** CRC32. */
  SSE4_2(1, Register.ECX, 20, "f20f38f0c0"),
  PCLMULQDQ(1, Register.ECX, 1, "660f3a44c000"),
  /** AESENC. */
  AES(1, Register.ECX, 25, "660f38dcc0"),
  /** RDMSR of IA32_ARCH_CAPABILITIES. */
  ARCH_CAPABILITIES(7, Register.EDX, 29, "b90a010000 0f32"),
  /**
   * XGETBV and XSETBV, after which CPUID must tell the size of all state that is on: a hypervisor
   * from which the guest's XSETBV is hidden keeps to the old size, and Linux then distrusts XSAVE.
   */
  XSAVE(
      1,
      Register.ECX,
      26,
      // CR4.OSXSAVE on; XGETBV of XCR0; XCR0 = CPUID.0DH:EAX AND 7; [RDI] = CPUID.0DH:EBX
      "0f20e0 480fbae812 0f22e0 31c9 0f01d0"
          + " b80d000000 31c9 0fa2 83e007 31c9 31d2 0f01d1 b80d000000 31c9 0fa2 891f") {
    @Override
    boolean isRightResult(ByteBuffer result, Cpuid supported) {
      int states = supported.find(XSTATE_LEAF, 0).map(Entry::eax).orElse(0);
      Optional<Entry> avx = supported.find(XSTATE_LEAF, XSTATE_AVX);
      boolean hasAvx = (states & 1 << XSTATE_AVX) != 0 && avx.isPresent();
      // Offset of the component and its size.
      int bytes = hasAvx ? avx.get().ebx() + avx.get().eax() : XSAVE_LEGACY_BYTES;
      return result.getInt(0) == bytes;
    }
  };

  private static final int XSTATE_LEAF = 0xd;
  private static final int XSTATE_AVX = 2;

  /** The x87 and SSE state with the header (Intel SDM vol. 1, section 13.4). */
  private static final int XSAVE_LEGACY_BYTES = 576;

  private final int leaf;
  private final Register register;
  private final int bit;
  private final byte[] code;

  RingZeroFeature(int leaf, Register register, int bit, String code) {
    this.leaf = leaf;
    this.register = register;
    this.bit = bit;
    this.code = HexFormat.of().parseHex(code.replace(" ", ""));
  }

  /** The name in Linux's /proc/cpuinfo. */
  public String linuxName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** True if a CPUID table shows the feature. */
  boolean isReported(Cpuid cpuid) {
    return cpuid.find(leaf, 0).filter(e -> (e.get(register) >> bit & 1) != 0).isPresent();
  }

  byte[] code() {
    return code;
  }

  /** Whether instructions that ran through did what they should, by what they left at RDI. */
  boolean isRightResult(ByteBuffer result, Cpuid supported) {
    return true;
  }
}
