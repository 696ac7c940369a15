// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;
import java.nio.ByteBuffer;

/**
 * {@code struct kvm_xsave}: the x87, vector and other extended registers as an XSAVE area of the
 * standard format (Intel SDM vol. 1, section 13.4), components at the offsets of CPUID leaf 0DH.
 */
public final class KvmXsave {
  public static final int SIZE = 4096;

  /** Offset of MXCSR, in the legacy region. */
  public static final int MXCSR = 24;

  /** Offset of XSTATE_BV, the components that are not in their initial state. */
  public static final int XSTATE_BV = 512;

  /** Offset of XCOMP_BV, the components of a compacted area. */
  public static final int XCOMP_BV = 520;

  /** The legacy region and the header. */
  public static final int HEADER_END = 576;

  private final NativeMemory memory = new NativeMemory(SIZE);

  public NativeMemory memory() {
    return memory;
  }

  /** The area; always the same object. */
  public ByteBuffer buffer() {
    return memory.buffer();
  }

  public long xstateBv() {
    return memory.buffer().getLong(XSTATE_BV);
  }

  public KvmXsave xstateBv(long components) {
    memory.buffer().putLong(XSTATE_BV, components);
    return this;
  }

  public int mxcsr() {
    return memory.buffer().getInt(MXCSR);
  }

  public KvmXsave mxcsr(int value) {
    memory.buffer().putInt(MXCSR, value);
    return this;
  }
}
