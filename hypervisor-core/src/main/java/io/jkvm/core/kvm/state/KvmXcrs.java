// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;

/**
 * Extended control registers.
 *
 * <pre>
 * struct kvm_xcrs {                                             offset
 *   __u32 nr_xcrs, flags;                                            0
 *   struct { __u32 xcr, reserved; __u64 value; } xcrs[16];           8
 *   __u64 padding[16];                                             264
 * };
 * </pre>
 */
public final class KvmXcrs {
  public static final int SIZE = 392;

  private static final int MAX_XCRS = 16;

  private final NativeMemory memory = new NativeMemory(SIZE);

  public NativeMemory memory() {
    return memory;
  }

  /** XCR0: the state components that are enabled; 0 if KVM did not tell it. */
  public long xcr0() {
    int count = Math.min(memory.buffer().getInt(0), MAX_XCRS);
    for (int i = 0; i < count; i++) {
      if (memory.buffer().getInt(8 + 16 * i) == 0) {
        return memory.buffer().getLong(16 + 16 * i);
      }
    }
    return 0;
  }

  /** Sets XCR0, and no other. */
  public KvmXcrs xcr0(long value) {
    memory.buffer().putInt(0, 1).putInt(4, 0).putInt(8, 0).putLong(16, value);
    return this;
  }
}
