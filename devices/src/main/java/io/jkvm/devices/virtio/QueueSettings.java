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

  void clear() {
    size = 0;
    descriptors = 0;
    avail = 0;
    used = 0;
    ready = false;
  }
}
