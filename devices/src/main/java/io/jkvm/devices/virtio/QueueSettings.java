// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio;

/** What the driver wrote about one queue, unchecked until the device is activated. */
final class QueueSettings {
  /** In descriptors, unsigned; 0 until the driver sets it. */
  int size;

  /** Guest-physical address of the descriptor table. */
  long descriptors;

  /** Guest-physical address of the available ring. */
  long avail;

  /** Guest-physical address of the used ring. */
  long used;

  boolean ready;

  /** Replaces bits 0 to 31 of an address. */
  static long withLow(long address, int low) {
    return address & ~0xffff_ffffL | Integer.toUnsignedLong(low);
  }

  /** Replaces bits 32 to 63 of an address. */
  static long withHigh(long address, int high) {
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
