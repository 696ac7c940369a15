// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

/**
 * Where the transmitter of a serial port puts its bytes. Called by vCPU threads, possibly several
 * at once.
 */
public interface SerialSink {
  /** What {@link #hasRoom} promises: the transmit FIFO of a 16550A. */
  int ROOM_BYTES = 16;

  /**
   * Takes one byte.
   *
   * @return false if there was no room and the byte is lost; a guest that obeys LSR never sees that
   */
  boolean accept(byte value);

  /**
   * True if {@link #ROOM_BYTES} bytes would be taken at once. After a false answer the listener of
   * {@link #onRoom} is called as soon as the answer would be true.
   */
  boolean hasRoom();

  /**
   * Sets the one listener; called before the first byte. The sink calls it without holding a lock.
   */
  void onRoom(Runnable listener);
}
