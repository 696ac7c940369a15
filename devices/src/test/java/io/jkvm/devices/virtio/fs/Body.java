// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** What follows the header of a request, field by field. */
final class Body {
  private ByteBuffer bytes = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);

  private void room(int more) {
    if (bytes.remaining() < more) {
      byte[] so = bytes.array();
      int at = bytes.position();
      bytes = ByteBuffer.allocate(2 * (at + more)).order(ByteOrder.LITTLE_ENDIAN);
      bytes.put(so, 0, at);
    }
  }

  Body u32(long value) {
    room(4);
    bytes.putInt((int) value);
    return this;
  }

  Body u64(long value) {
    room(8);
    bytes.putLong(value);
    return this;
  }

  Body raw(byte[] more) {
    room(more.length);
    bytes.put(more);
    return this;
  }

  /** A text with a NUL behind it. */
  Body name(String text) {
    return raw(text.getBytes(StandardCharsets.UTF_8)).raw(new byte[1]);
  }

  byte[] bytes() {
    return Arrays.copyOf(bytes.array(), bytes.position());
  }
}
