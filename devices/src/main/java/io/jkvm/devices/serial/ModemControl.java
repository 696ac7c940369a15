// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

/**
 * The modem side of a 16550A: MCR drives four outputs, MSR shows four inputs and what has changed
 * on them (PC16550D, sections 8.7 and 8.8). The peer on the cable asserts CTS, DSR and DCD for
 * ever. Guarded by the UART's lock.
 */
final class ModemControl {
  private static final int MCR_DTR = 1;
  private static final int MCR_RTS = 2;
  private static final int MCR_OUT1 = 4;
  private static final int MCR_OUT2 = 8;
  private static final int MCR_LOOP = 0x10;
  private static final int MCR_MASK = 0x1f;

  private static final int MSR_TERI = 4;
  private static final int MSR_CTS = 0x10;
  private static final int MSR_DSR = 0x20;
  private static final int MSR_RI = 0x40;
  private static final int MSR_DCD = 0x80;
  private static final int PEER_LINES = MSR_CTS | MSR_DSR | MSR_DCD;

  private int mcr;
  private int inputs = PEER_LINES;
  private int deltas;

  int control() {
    return mcr;
  }

  void setControl(int value) {
    mcr = value & MCR_MASK;
    int now = loopback() ? loopedInputs() : PEER_LINES;
    int changed = now ^ inputs;
    int newDeltas = changed >>> 4;
    if ((changed & now & MSR_RI) != 0) {
      // Only the trailing edge of the ring indicator counts.
      newDeltas &= ~MSR_TERI;
    }
    inputs = now;
    deltas |= newDeltas;
  }

  /** The outputs as the inputs see them in loopback (8.7, bit 4). */
  private int loopedInputs() {
    return ((mcr & MCR_RTS) != 0 ? MSR_CTS : 0)
        | ((mcr & MCR_DTR) != 0 ? MSR_DSR : 0)
        | ((mcr & MCR_OUT1) != 0 ? MSR_RI : 0)
        | ((mcr & MCR_OUT2) != 0 ? MSR_DCD : 0);
  }

  /** MSR as it is. */
  int status() {
    return inputs | deltas;
  }

  /** True if an input has changed since {@link #clearDeltas}. */
  boolean hasDeltas() {
    return deltas != 0;
  }

  void clearDeltas() {
    deltas = 0;
  }

  boolean loopback() {
    return (mcr & MCR_LOOP) != 0;
  }

  /** True if the peer may send: RTS reaches it, which loopback prevents. */
  boolean requestsToSend() {
    return (mcr & (MCR_RTS | MCR_LOOP)) == MCR_RTS;
  }

  /** True if the interrupt reaches the bus: the OUT2 pin, which loopback forces inactive (8.7). */
  boolean gatesInterrupt() {
    return (mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
  }
}
