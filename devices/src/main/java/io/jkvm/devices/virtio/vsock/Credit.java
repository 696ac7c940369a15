// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

/**
 * The buffer space of both ends of one connection (virtio 1.2, section 5.10.6.3). All counters are
 * of 32 bits, begin at 0 and wrap; the difference of two is what counts. Not thread-safe.
 */
final class Credit {
  private final int buffer;
  private int received;
  private int forwarded;

  /** What the guest was last told of {@link #forwarded}. */
  private int told;

  private int sent;
  private int guestBuffer;
  private int guestForwarded;
  private boolean asked;

  /**
   * A new connection's.
   *
   * @param buffer how many bytes this end holds, more than 0
   */
  Credit(int buffer) {
    this.buffer = buffer;
  }

  /** Our buf_alloc. */
  int buffer() {
    return buffer;
  }

  /**
   * Counts bytes of the guest.
   *
   * @param bytes unsigned 32 bits
   * @return false, and nothing is counted, if there is no space for them
   */
  boolean receive(long bytes) {
    if (bytes > buffer - Integer.toUnsignedLong(received - forwarded)) {
      return false;
    }
    received += (int) bytes;
    return true;
  }

  /**
   * Counts bytes whose space is free again.
   *
   * @return whether the guest has to hear of it: half of the buffer has become free since it did
   */
  boolean forward(int bytes) {
    forwarded += bytes;
    return Integer.toUnsignedLong(forwarded - told) >= Math.max(1, buffer / 2);
  }

  /** Our fwd_cnt, for a packet that is sent now. */
  int tell() {
    told = forwarded;
    return told;
  }

  /** What a packet of the guest's says of its buffer: any numbers, which bind the guest only. */
  void guest(int bufAlloc, int fwdCnt) {
    guestBuffer = bufAlloc;
    guestForwarded = fwdCnt;
    asked &= free() == 0;
  }

  /** Whether to ask the guest for its space: not twice before it had some. */
  boolean asks() {
    boolean asks = !asked;
    asked = true;
    return asks;
  }

  /** How many bytes the guest has space for, 0 to 2^32 - 1. */
  long free() {
    long onTheWay = Integer.toUnsignedLong(sent - guestForwarded);
    return Math.max(0, Integer.toUnsignedLong(guestBuffer) - onTheWay);
  }

  /** Counts bytes that were sent to the guest, not more than {@link #free}. */
  void send(int bytes) {
    sent += bytes;
  }
}
