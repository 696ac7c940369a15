// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;

/** {@code struct kvm_regs}: the general registers, RIP and RFLAGS. */
public final class KvmRegs {
  public static final int SIZE = 144;

  /** RFLAGS.IF: maskable interrupts are on. */
  public static final long RFLAGS_IF = 1 << 9;

  /** RFLAGS.AC: alignment check; with SMAP, access to user pages. */
  public static final long RFLAGS_AC = 1 << 18;

  /** RFLAGS with nothing but its always-set bit 1. */
  public static final long RFLAGS_RESERVED = 2;

  public static final int RAX = 0;
  public static final int RBX = 1;
  public static final int RCX = 2;
  public static final int RDX = 3;
  public static final int RSI = 4;
  public static final int RDI = 5;
  public static final int RSP = 6;
  public static final int RBP = 7;
  public static final int R8 = 8;
  private static final int RIP = 16;
  private static final int RFLAGS = 17;

  // The order in which instructions encode registers, as positions in the structure.
  private static final int[] ENCODED = {RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI};

  private final NativeMemory memory = new NativeMemory(SIZE);

  public NativeMemory memory() {
    return memory;
  }

  /** A register by its position in the structure ({@link #RAX}..., {@code R8 + n}). */
  public long get(int register) {
    return memory.buffer().getLong(register * 8);
  }

  public KvmRegs set(int register, long value) {
    memory.buffer().putLong(register * 8, value);
    return this;
  }

  /** A position from a register's number in an instruction (0..15; Intel SDM vol. 2, table 3-1). */
  public static int fromEncoding(int number) {
    return number < 8 ? ENCODED[number] : number;
  }

  public long rip() {
    return get(RIP);
  }

  public KvmRegs rip(long value) {
    return set(RIP, value);
  }

  public long rflags() {
    return get(RFLAGS);
  }

  public KvmRegs rflags(long value) {
    return set(RFLAGS, value);
  }

  @Override
  public String toString() {
    return String.format(
        "rip=%016x rflags=%08x rax=%x rbx=%x rcx=%x rdx=%x rsi=%x rdi=%x rsp=%x rbp=%x r8=%x r9=%x"
            + " r10=%x r11=%x r12=%x r13=%x r14=%x r15=%x",
        rip(), rflags(), get(0), get(1), get(2), get(3), get(4), get(5), get(6), get(7), get(8),
        get(9), get(10), get(11), get(12), get(13), get(14), get(15));
  }
}
