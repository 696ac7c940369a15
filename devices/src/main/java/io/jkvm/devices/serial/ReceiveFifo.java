// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

/**
 * The receiver of a 16550A: 16 characters, each with its line-status errors, or one character when
 * the FIFO is off (PC16550D, sections 8.4 and 8.11). Guarded by the UART's lock.
 */
final class ReceiveFifo {
  private static final int DEPTH = 16;

  private final byte[] characters = new byte[DEPTH];
  private final byte[] errors = new byte[DEPTH];
  private int head;
  private int count;
  private int capacity = 1;
  private int damaged;

  int count() {
    return count;
  }

  int room() {
    return capacity - count;
  }

  /** True if some waiting character carries an error. */
  boolean hasErrors() {
    return damaged != 0;
  }

  /** Empties the receiver and switches between 16 characters and 1. */
  void reset(boolean fifoEnabled) {
    head = 0;
    count = 0;
    damaged = 0;
    capacity = fifoEnabled ? DEPTH : 1;
  }

  /**
   * Puts a character at the end; there must be room.
   *
   * @param errorBits the character's LSR bits (PE, FE, BI), 0 for none
   */
  void push(int character, int errorBits) {
    int slot = (head + count++) & (DEPTH - 1);
    characters[slot] = (byte) character;
    errors[slot] = (byte) errorBits;
    damaged += errorBits == 0 ? 0 : 1;
  }

  /** Overwrites the newest character, as an overrun does with the FIFO off. */
  void replace(int character) {
    characters[(head + count - 1) & (DEPTH - 1)] = (byte) character;
  }

  /** Takes the oldest character; 0 if there is none. */
  int pop() {
    if (count == 0) {
      return 0;
    }
    takeErrors();
    int character = characters[head] & 0xff;
    head = (head + 1) & (DEPTH - 1);
    count--;
    return character;
  }

  /** The error bits of the oldest character, which from then on has none. */
  int takeErrors() {
    if (count == 0 || errors[head] == 0) {
      return 0;
    }
    int bits = errors[head] & 0xff;
    errors[head] = 0;
    damaged--;
    return bits;
  }
}
