// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;

/** {@code struct kvm_fpu}: x87 and SSE state. */
public final class KvmFpu {
  public static final int SIZE = 416;

  private static final int FCW = 128;
  private static final int MXCSR = 408;

  private final NativeMemory memory = new NativeMemory(SIZE);

  public NativeMemory memory() {
    return memory;
  }

  /** The state after FNINIT, with every SSE exception masked (Intel SDM vol. 3, table 9-1). */
  public static KvmFpu initial() {
    KvmFpu fpu = new KvmFpu();
    fpu.memory.buffer().putShort(FCW, (short) 0x37f).putInt(MXCSR, 0x1f80);
    return fpu;
  }

  /** The x87 control word. */
  public int fcw() {
    return memory.buffer().getShort(FCW) & 0xffff;
  }

  public int mxcsr() {
    return memory.buffer().getInt(MXCSR);
  }
}
