// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;

/** {@code struct kvm_lapic_state}: a local APIC's register page (Intel SDM vol. 3, table 11-1). */
public final class KvmLapic {
  public static final int SIZE = 1024;

  /** Local vector table entry of the LINT0 pin. */
  public static final int LVT_LINT0 = 0x350;

  /** Local vector table entry of the LINT1 pin. */
  public static final int LVT_LINT1 = 0x360;

  /** Delivery mode "external interrupt": the vector comes from the 8259A. */
  public static final int DELIVERY_EXTINT = 7 << 8;

  /** Delivery mode NMI. */
  public static final int DELIVERY_NMI = 4 << 8;

  private final NativeMemory memory = new NativeMemory(SIZE);

  public NativeMemory memory() {
    return memory;
  }

  /** Reads a register by its offset in the page. */
  public int register(int offset) {
    return memory.buffer().getInt(offset);
  }

  public KvmLapic register(int offset, int value) {
    memory.buffer().putInt(offset, value);
    return this;
  }
}
