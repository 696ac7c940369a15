// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;

/** {@code struct kvm_vcpu_events}: exceptions and interrupts on their way into the guest. */
public final class KvmVcpuEvents {
  public static final int SIZE = 64;

  private final NativeMemory memory = new NativeMemory(SIZE);

  public NativeMemory memory() {
    return memory;
  }

  /** Delivers an exception without an error code before the next instruction. */
  public KvmVcpuEvents injectException(int vector) {
    memory.buffer().put(0, (byte) 1).put(1, (byte) vector).put(2, (byte) 0).putInt(4, 0);
    return this;
  }

  /** Delivers an interrupt vector before the next instruction, whatever RFLAGS.IF says. */
  public KvmVcpuEvents injectInterrupt(int vector) {
    memory.buffer().put(8, (byte) 1).put(9, (byte) vector).put(10, (byte) 0);
    return this;
  }

  /** True if an exception is being delivered. */
  public boolean exceptionInjected() {
    return memory.buffer().get(0) != 0;
  }

  /** True if an interrupt is being delivered. */
  public boolean interruptInjected() {
    return memory.buffer().get(8) != 0;
  }
}
