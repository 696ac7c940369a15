// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import java.nio.ByteBuffer;

/**
 * An extended attribute's value, or a list of their names, between the message that asks for it and
 * the fid's end: one that is read piece by piece, or one that is written so and then set as a
 * whole.
 */
public final class AttributeValue {
  private final String name;
  private final int flags;
  private final ByteBuffer bytes;
  private int written;

  private AttributeValue(String name, int flags, ByteBuffer bytes) {
    this.name = name;
    this.flags = flags;
    this.bytes = bytes;
  }

  /** One that is read. */
  public static AttributeValue read(ByteBuffer value) {
    return new AttributeValue(null, 0, value);
  }

  /**
   * One that is written.
   *
   * @param name a character for each byte
   * @param size of the value in bytes
   * @param flags of setxattr(2)
   */
  public static AttributeValue written(String name, int size, int flags) {
    return new AttributeValue(name, flags, ByteBuffer.allocate(size));
  }

  /** Whether it is one that is written. */
  public boolean isWritten() {
    return name != null;
  }

  /** What is set at the end. */
  public String name() {
    return name;
  }

  /** How it is set. */
  public int flags() {
    return flags;
  }

  /** All of it, from index 0. */
  public ByteBuffer bytes() {
    return bytes;
  }

  /** Its size. */
  public int size() {
    return bytes.capacity();
  }

  /** How many bytes have come. */
  public int written() {
    return written;
  }

  /** More bytes have come. */
  public void advance(int count) {
    written += count;
  }
}
