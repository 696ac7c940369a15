// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

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

  int u16(int offset) {
    return fields().getShort(offset) & 0xffff;
  }

  int u32(int offset) {
    return fields().getInt(offset);
  }

  long u64(int offset) {
    return fields().getLong(offset);
  }

  String text() {
    return new String(payload, StandardCharsets.UTF_8);
  }

  /** Fails unless it is a success. */
  Answer ok() {
    assertEquals(0, error, "errno");
    return this;
  }

  /** Fails unless it is this error, with nothing behind the header. */
  void fails(int errno) {
    assertEquals(errno, error, "errno");
    assertEquals(0, payload.length);
  }

  /** The node of an entry. */
  long node() {
    assertEquals(128, ok().payload.length);
    return u64(0);
  }

  /** The handle of what was opened. */
  long handle() {
    assertEquals(16, ok().payload.length);
    return u64(0);
  }
}
