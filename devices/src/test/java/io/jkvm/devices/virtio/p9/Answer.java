// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A reply.
 *
 * @param error an errno, positive; 0 for success
 * @param payload what follows the header
 */
record Answer(int error, byte[] payload) {
  private ByteBuffer fields() {
    return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
  }

  int u8(int offset) {
    return payload[offset] & 0xff;
  }

  int u16(int offset) {
    return fields().getShort(offset) & 0xffff;
  }

  int u32(int offset) {
    return fields().getInt(offset);
  }

  long u64(int offset) {
    return fields().getLong(offset);
  }

  String text(int offset) {
    return new String(payload, offset, payload.length - offset, StandardCharsets.UTF_8);
  }

  /** Fails unless it is a success. */
  Answer ok() {
    assertEquals(0, error, "errno");
    return this;
  }

  /** The same with a payload of this size. */
  Answer ok(int size) {
    assertEquals(size, ok().payload.length, "size of the payload");
    return this;
  }

  /** Fails unless it is this error. */
  void fails(int errno) {
    assertEquals(errno, error, "errno");
  }
}
