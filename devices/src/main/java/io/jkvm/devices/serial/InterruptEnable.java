// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

/**
 * The interrupt enable register of a 16550A, and which of the pending sources the identification
 * register shows (PC16550D, sections 8.6 and 8.7). Guarded by the UART's lock.
 */
final class InterruptEnable {
  static final int MODEM_STATUS = 0;
  static final int NONE = 1;
  static final int TRANSMITTER_EMPTY = 2;
  static final int DATA_AVAILABLE = 4;
  static final int LINE_STATUS = 6;
  static final int CHARACTER_TIMEOUT = 0xc;

  private static final int ERBFI = 1;
  private static final int ETBEI = 2;
  private static final int ELSI = 4;
  private static final int EDSSI = 8;
  private static final int MASK = 0xf;

  private int enabled;

  int value() {
    return enabled;
  }

  /**
   * Writes the register.
   *
   * @return true if this enables the transmitter's source, which then interrupts if the holding
   *     register is empty: Linux tests for that
   */
  boolean write(int value) {
    boolean enablesTransmitter = (value & ~enabled & ETBEI) != 0;
    enabled = value & MASK;
    return enablesTransmitter;
  }

  /** The enabled source of highest priority (table IV) as IIR has it. */
  int identify(Receiver receiver, Transmitter transmitter, ModemControl modem) {
    if ((enabled & ELSI) != 0 && receiver.hasLineErrors()) {
      return LINE_STATUS;
    }
    if ((enabled & ERBFI) != 0 && !receiver.isEmpty()) {
      return receiver.isAtTriggerLevel() ? DATA_AVAILABLE : CHARACTER_TIMEOUT;
    }
    if ((enabled & ETBEI) != 0 && transmitter.hasInterrupt()) {
      return TRANSMITTER_EMPTY;
    }
    return (enabled & EDSSI) != 0 && modem.hasDeltas() ? MODEM_STATUS : NONE;
  }
}
