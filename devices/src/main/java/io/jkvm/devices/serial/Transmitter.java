// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

/**
 * The transmitter of a 16550A: a sink, and the interrupt of the empty holding register (PC16550D,
 * sections 8.4 and 8.6). Sending takes no time, so the register is full only while the sink is.
 * Guarded by the UART's lock, but for {@link #send}.
 */
final class Transmitter {
  private final SerialSink sink;
  private boolean interrupt;
  private boolean awaitingSink;

  Transmitter(SerialSink sink) {
    this.sink = sink;
  }

  /** Sends a character. Without the lock: a full sink may hold this vCPU, but nobody else. */
  void send(int character) {
    sink.accept((byte) character);
  }

  /** True if the holding register can take a character; in loopback it always can. */
  boolean isEmpty(boolean loopback) {
    return loopback || sink.hasRoom();
  }

  /** A character has left the holding register, which is empty now or when the sink has room. */
  void sent(boolean loopback) {
    interrupt = isEmpty(loopback);
    awaitingSink = !interrupt;
  }

  /** True if {@link #sent} is to be repeated when the sink has room. */
  boolean awaitsSink() {
    return awaitingSink;
  }

  /** True if "holding register empty" is pending. */
  boolean hasInterrupt() {
    return interrupt;
  }

  /** Reading IIR has acknowledged the interrupt. */
  void clearInterrupt() {
    interrupt = false;
  }
}
