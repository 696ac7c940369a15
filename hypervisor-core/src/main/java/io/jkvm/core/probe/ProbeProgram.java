// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.probe;

import io.jkvm.core.kvm.state.Cpuid;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The probe's guest: its program and all that 64-bit mode needs, in five pages of memory.
 *
 * <p>Linear addresses 0 to 2 MiB are this memory for CPL 3, 2 to 4 MiB are the same memory for CPL
 * 0 only, so that SMEP and SMAP may be on.
 */
final class ProbeProgram {
  static final int MEMORY_BYTES = 0x5000;

  static final int KERNEL_CODE = 0x08;
  static final int KERNEL_DATA = 0x10;
  private static final int USER_DATA = 0x18 | 3;
  private static final int USER_CODE = 0x20 | 3;
  static final int GDT_LIMIT = 0x27;
  static final int IDT_LIMIT = 0x1ff;
  static final int TSS_LIMIT = 0x67;

  private static final int KERNEL_BASE = 0x200000;
  private static final int USER_PROGRAM_AT = 0xb00;
  private static final int SYSCALL_ENTRY_AT = 0xb40;
  private static final int EXCEPTION_ENTRY_AT = 0xb80;
  private static final int SCRATCH_AT = 0xc00;
  private static final int STACK_TOP_AT = 0x1000;
  private static final int GDT_AT = 0x1000;
  private static final int TSS_AT = 0x1100;
  private static final int IDT_AT = 0x1200;
  private static final int PAGE_MAP_AT = 0x2000;
  private static final int PAGE_DIRECTORY_POINTERS_AT = 0x3000;
  private static final int PAGE_DIRECTORY_AT = 0x4000;

  static final long SYSCALL_ENTRY = KERNEL_BASE + SYSCALL_ENTRY_AT;
  static final long SCRATCH = KERNEL_BASE + SCRATCH_AT;
  static final long STACK_TOP = KERNEL_BASE + STACK_TOP_AT;
  static final long GDT = KERNEL_BASE + GDT_AT;
  static final long TSS = KERNEL_BASE + TSS_AT;
  static final long IDT = KERNEL_BASE + IDT_AT;

  /** Physical, for CR3. */
  static final long PAGE_MAP = PAGE_MAP_AT;

  // Present, writable, for CPL 3 as well; a page with accessed, dirty, large (Intel SDM vol. 3,
  // section 4.5).
  private static final long USER_TABLE = 0x7;
  private static final long USER_LARGE_PAGE = 0xe7;
  private static final long KERNEL_LARGE_PAGE = 0xe3;

  private static final byte HLT = (byte) 0xf4;
  private static final byte PUSH_IMM32 = 0x68;
  private static final byte PUSH_IMM8 = 0x6a;
  private static final byte MOV_EAX_IMM32 = (byte) 0xb8;
  private static final int RFLAGS_RESERVED = 2;

  private static final int CODE_AT = 0x100;
  private static final int CPUID_RESULTS_AT = SCRATCH_AT + 64;
  private static final int[] CPUID_LEAVES = {1, 7, 0x80000001};

  private final ByteBuffer memory;
  private final List<RingZeroFeature> features = new ArrayList<>();
  private final List<Integer> starts = new ArrayList<>();

  private ProbeProgram(ByteBuffer memory) {
    this.memory = memory;
  }

  /** Fills zeroed memory with a program that asks CPUID and halts. */
  static ProbeProgram write(ByteBuffer memory) {
    ProbeProgram program = new ProbeProgram(memory);
    program.writeTables();
    program.writeCpuid();
    return program;
  }

  /** What CPUID told the first program about features; leaves with them only, no EAX. */
  Cpuid cpuid() {
    List<Cpuid.Entry> entries = new ArrayList<>();
    int at = CPUID_RESULTS_AT;
    for (int leaf : CPUID_LEAVES) {
      entries.add(
          new Cpuid.Entry(
              leaf, 0, 0, 0, memory.getInt(at), memory.getInt(at + 4), memory.getInt(at + 8)));
      at += 12;
    }
    return new Cpuid(entries);
  }

  /** Appends the program that uses all features of a CPUID table, and SYSCALL in the end. */
  void writeFeatures(Cpuid cpuid) {
    for (RingZeroFeature feature : RingZeroFeature.values()) {
      if (feature.isReported(cpuid)) {
        beginPart();
        features.add(feature);
        memory.put(feature.code());
      }
    }
    writeSyscall();
  }

  /** The features that the program tries, by number. */
  List<RingZeroFeature> features() {
    return features;
  }

  /** The linear address of the first program. */
  static long cpuidStart() {
    return KERNEL_BASE + CODE_AT;
  }

  /** The linear address where a part starts; the last part, after the features', is SYSCALL. */
  long start(int part) {
    return KERNEL_BASE + starts.get(part);
  }

  /** What the program wrote. */
  ByteBuffer scratch() {
    return memory.slice(SCRATCH_AT, 64).order(memory.order());
  }

  /** True for RIP after the HLT that SYSCALL leads to. */
  static boolean isSyscallTarget(long rip) {
    return rip == SYSCALL_ENTRY + 1;
  }

  private void writeTables() {
    memory.putLong(GDT_AT + KERNEL_CODE, 0x00af9b000000ffffL);
    memory.putLong(GDT_AT + KERNEL_DATA, 0x00cf93000000ffffL);
    memory.putLong(GDT_AT + (USER_DATA & ~3), 0x00cff3000000ffffL);
    memory.putLong(GDT_AT + (USER_CODE & ~3), 0x00affb000000ffffL);
    memory.putLong(TSS_AT + 4, STACK_TOP); // RSP0
    long handler = KERNEL_BASE + EXCEPTION_ENTRY_AT;
    for (int vector = 0; vector < 32; vector++) {
      // A 64-bit interrupt gate, present (Intel SDM vol. 3, section 6.14.1).
      memory.putLong(
          IDT_AT + 16 * vector,
          handler & 0xffff | KERNEL_CODE << 16 | 0x8e00L << 32 | handler >> 16 << 48);
    }
    memory.putLong(PAGE_MAP_AT, PAGE_DIRECTORY_POINTERS_AT | USER_TABLE);
    memory.putLong(PAGE_DIRECTORY_POINTERS_AT, PAGE_DIRECTORY_AT | USER_TABLE);
    memory.putLong(PAGE_DIRECTORY_AT, USER_LARGE_PAGE);
    memory.putLong(PAGE_DIRECTORY_AT + 8, KERNEL_LARGE_PAGE);
    memory.put(SYSCALL_ENTRY_AT, HLT);
    memory.put(EXCEPTION_ENTRY_AT, HLT);
    memory.putShort(USER_PROGRAM_AT, (short) 0x050f); // syscall
  }

  private void writeCpuid() {
    memory.position(CODE_AT);
    int at = CPUID_RESULTS_AT - SCRATCH_AT;
    for (int leaf : CPUID_LEAVES) {
      memory.put(MOV_EAX_IMM32).putInt(leaf);
      memory.putShort((short) 0xc931).putShort((short) 0xa20f); // xor ecx, ecx; cpuid
      memory.putShort((short) 0x5f89).put((byte) at); // mov [rdi+at], ebx
      memory.putShort((short) 0x4f89).put((byte) (at + 4)); // ecx
      memory.putShort((short) 0x5789).put((byte) (at + 8)); // edx
      at += 12;
    }
    memory.put(HLT);
  }

  /** mov r15d, number of the part. */
  private void beginPart() {
    starts.add(memory.position());
    memory.put((byte) 0x41).put((byte) 0xbf).putInt(starts.size() - 1);
  }

  private void writeSyscall() {
    beginPart();
    memory.put(PUSH_IMM8).put((byte) USER_DATA);
    memory.put(PUSH_IMM32).putInt(STACK_TOP_AT);
    memory.put(PUSH_IMM8).put((byte) RFLAGS_RESERVED);
    memory.put(PUSH_IMM8).put((byte) USER_CODE);
    memory.put(PUSH_IMM32).putInt(USER_PROGRAM_AT);
    memory.put((byte) 0x48).put((byte) 0xcf); // iretq
  }
}
