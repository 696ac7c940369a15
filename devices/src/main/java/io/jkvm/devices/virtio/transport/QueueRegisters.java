// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

/** What the driver wrote about one queue, unchecked until the device is activated. */
public final class QueueRegisters {
  /** In descriptors, unsigned; 0 until the driver sets it. */
  public int size;

  /** Guest-physical address of the descriptor table. */
  public long descriptors;

  /** Guest-physical address of the available ring. */
  public long avail;

  /** Guest-physical address of the used ring. */
  public long used;

  public boolean ready;

  /** Replaces bits 0 to 31 of an address. */
  public static long withLow(long address, int low) {
    return address & ~0xffff_ffffL | Integer.toUnsignedLong(low);
  }

  /** Replaces bits 32 to 63 of an address. */
  public static long withHigh(long address, int high) {
    return address & 0xffff_ffffL | (long) high << 32;
  }

  void clear() {
    size = 0;
    descriptors = 0;
    avail = 0;
    used = 0;
    ready = false;
  }
}
