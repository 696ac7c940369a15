// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

/**
 * Where the transmitter of a serial port puts its bytes. Called by vCPU threads, possibly several
 * at once. A sink may serve several ports, and outlive them.
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
   * True if {@link #ROOM_BYTES} bytes would be taken at once. After a false answer the listeners
   * are called as soon as the answer would be true.
   */
  boolean hasRoom();

  /**
   * Adds somebody who is told of room. The sink calls listeners one after the other, without
   * holding a lock; one that throws keeps neither the sink nor the others from going on.
   */
  void addRoomListener(Runnable listener);

  /**
   * Removes a listener, by identity; nothing happens if it is not there. A call that has begun may
   * still end after this returned.
   */
  void removeRoomListener(Runnable listener);
}
