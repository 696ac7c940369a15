// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

/**
 * The receiving side of a 16550A: the FIFO, its control register and the line status register
 * (PC16550D, sections 8.4 and 8.5). Guarded by the UART's lock.
 */
final class Receiver {
  private static final int FCR_ENABLE = 1;
  private static final int FCR_RESET_RECEIVER = 2;

  private static final int LSR_DATA_READY = 1;
  private static final int LSR_OVERRUN_ERROR = 2;
  private static final int LSR_BREAK = 0x10;
  private static final int LSR_TRANSMITTER_EMPTY = 0x60; // THRE and TEMT
  private static final int LSR_FIFO_ERROR = 0x80;

  private final ReceiveFifo fifo = new ReceiveFifo();
  private boolean fifosEnabled;
  private int triggerLevel = 1;

  /** OE, PE, FE and BI, latched until the guest reads LSR. */
  private int lineErrors;

  int room() {
    return fifo.room();
  }

  boolean isEmpty() {
    return fifo.count() == 0;
  }

  boolean fifosEnabled() {
    return fifosEnabled;
  }

  /** True if so many characters wait that the guest wants to know. */
  boolean isAtTriggerLevel() {
    return fifo.count() >= triggerLevel;
  }

  boolean hasLineErrors() {
    return lineErrors != 0;
  }

  /** A character arrives; there must be room. */
  void put(int character) {
    fifo.push(character, 0);
  }

  /** The line is in the break state: a zero character with BI; there must be room. */
  void putBreak() {
    fifo.push(0, LSR_BREAK);
    revealErrors();
  }

  /** A character arrives from the transmitter, which does not ask for room. */
  void putLooped(int character) {
    if (fifo.room() != 0) {
      fifo.push(character, 0);
      return;
    }
    lineErrors |= LSR_OVERRUN_ERROR;
    // With the FIFO the character in the shift register is lost, without it the one in RBR (8.4).
    if (!fifosEnabled) {
      fifo.replace(character);
    }
  }

  /** The guest reads RBR: takes the oldest character, 0 if there is none. */
  int take() {
    int character = fifo.pop();
    revealErrors();
    return character;
  }

  /** An error enters LSR when its character reaches the top of the FIFO (8.4). */
  private void revealErrors() {
    lineErrors |= fifo.takeErrors();
  }

  /** The guest reads LSR, which clears the errors. */
  int takeLineStatus(boolean transmitterEmpty) {
    int value = lineErrors;
    if (fifosEnabled && ((lineErrors & ~LSR_OVERRUN_ERROR) != 0 || fifo.hasErrors())) {
      value |= LSR_FIFO_ERROR;
    }
    if (!isEmpty()) {
      value |= LSR_DATA_READY;
    }
    lineErrors = 0;
    return transmitterEmpty ? value | LSR_TRANSMITTER_EMPTY : value;
  }

  /** The guest writes FCR. */
  void writeFifoControl(int value) {
    boolean enable = (value & FCR_ENABLE) != 0;
    if (enable != fifosEnabled || enable && (value & FCR_RESET_RECEIVER) != 0) {
      fifo.reset(enable);
    }
    fifosEnabled = enable;
    // The other bits are programmed only together with bit 0 (8.5).
    triggerLevel = enable ? triggerLevel(value >>> 6) : 1;
  }

  private static int triggerLevel(int code) {
    return code == 3 ? 14 : code == 0 ? 1 : code * 4;
  }
}
