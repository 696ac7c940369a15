// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.bus;

/**
 * Something that answers on a bus. Called by vCPU threads, possibly several at once: a device
 * guards its registers with its own lock. Implementations neither throw nor block for long; a
 * guest's nonsense reads as a defined value and writes are ignored.
 */
public interface BusDevice {
  /**
   * The guest reads.
   *
   * @param offset from the start of the device's range, inside it
   * @param size 1, 2, 4 or 8 bytes; the access ends inside the range
   * @return the value, its upper bytes ignored
   */
  long read(long offset, int size);

  /**
   * The guest writes.
   *
   * @param value zero-extended to 64 bits
   */
  void write(long offset, int size, long value);
}
