// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class KvmVcpuEventsTest {
  private static final int INVALID_OPCODE = 6;

  /** KVM queues an invalid-opcode exception for the instruction that it could not emulate. */
  @Test
  void anInterruptReplacesTheExceptionThatKvmQueued() {
    KvmVcpuEvents events = new KvmVcpuEvents().injectException(INVALID_OPCODE);
    events.memory().buffer().put(3, (byte) 1);
    events.injectInterrupt(0x80);
    assertFalse(events.exceptionInjected());
    assertEquals(0, events.memory().buffer().get(3), "pending");
    assertTrue(events.interruptInjected());
    assertEquals((byte) 0x80, events.memory().buffer().get(9));
  }
}
