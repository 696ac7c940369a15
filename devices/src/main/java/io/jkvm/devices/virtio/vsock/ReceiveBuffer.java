// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.nio.ByteBuffer;

/**
 * Bytes of the guest that its connection's peer had no room for: a ring, allocated with the first
 * of them. One thread may read what {@link #front} gave while another appends; all calls need the
 * same lock.
 */
final class ReceiveBuffer {
  private final int capacity;
  private ByteBuffer ring;
  private ByteBuffer view;
  private int first;
  private int count;

  ReceiveBuffer(int capacity) {
    this.capacity = capacity;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /**
   * Appends a part of a packet.
   *
   * @param length for which there is space, since the guest kept to its credit
   */
  void append(DescriptorChain packet, long offset, int length) throws GuestFault {
    if (length > capacity - count) {
      throw new IllegalStateException(count + " + " + length + " bytes in " + capacity);
    }
    if (ring == null) {
      ring = ByteBuffer.allocate(capacity);
      view = ring.duplicate();
    }
    int at = (int) (((long) first + count) % capacity);
    int part = Math.min(length, capacity - at);
    packet.read(offset, ring, at, part);
    packet.read(offset + part, ring, 0, length - part);
    count += length;
  }

  /** The first bytes that are in one piece, 1 or more; only if it is not empty. */
  ByteBuffer front() {
    int length = Math.min(count, capacity - first);
    return view.limit(first + length).position(first);
  }

  /** Removes bytes from the front. */
  void drop(int length) {
    first = (int) (((long) first + length) % capacity);
    count -= length;
    if (count == 0) {
      first = 0;
    }
  }

  /** Frees the memory and whatever is in it. */
  void free() {
    ring = null;
    view = null;
    first = 0;
    count = 0;
  }
}
