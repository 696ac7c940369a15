// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;

/**
 * Exceptions and interrupts on their way into the guest.
 *
 * <pre>
 * struct kvm_vcpu_events {                                      offset
 *   struct { __u8 injected, nr, has_error_code, pending;             0
 *            __u32 error_code; } exception;                          4
 *   struct { __u8 injected, nr, soft, shadow; } interrupt;           8
 *   struct { __u8 injected, pending, masked, pad; } nmi;            12
 *   __u32 sipi_vector, flags;                                      16
 *   struct { __u8 smm, pending, smm_inside_nmi, latched_init; } smi; 24
 *   ...
 * };
 * </pre>
 */
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

  /** Delivers an exception with an error code before the next instruction. */
  public KvmVcpuEvents injectException(int vector, int errorCode) {
    memory.buffer().put(0, (byte) 1).put(1, (byte) vector).put(2, (byte) 1).putInt(4, errorCode);
    return this;
  }

  /**
   * Delivers an interrupt vector before the next instruction, whatever RFLAGS.IF says, and no
   * exception before it.
   */
  public KvmVcpuEvents injectInterrupt(int vector) {
    memory.buffer().put(0, (byte) 0).put(3, (byte) 0);
    memory.buffer().put(8, (byte) 1).put(9, (byte) vector).put(10, (byte) 0);
    return this;
  }

  /** True if an exception is being delivered. */
  public boolean exceptionInjected() {
    return memory.buffer().get(0) != 0;
  }

  /** True if a non-maskable or a system management interrupt is on its way. */
  public boolean nonMaskablePending() {
    return memory.buffer().get(12) != 0
        || memory.buffer().get(13) != 0
        || memory.buffer().get(25) != 0;
  }

  /** True if an interrupt is being delivered. */
  public boolean interruptInjected() {
    return memory.buffer().get(8) != 0;
  }
}
