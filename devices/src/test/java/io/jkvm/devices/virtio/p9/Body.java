// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** What follows the header of a request, field by field. */
final class Body {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  private Body number(long value, int size) {
    byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    bytes.write(all, 0, size);
    return this;
  }

  Body u8(int value) {
    return number(value, 1);
  }

  Body u16(int value) {
    return number(value, 2);
  }

  Body u32(long value) {
    return number(value, 4);
  }

  Body u64(long value) {
    return number(value, 8);
  }

  Body raw(byte[] more) {
    bytes.write(more, 0, more.length);
    return this;
  }

  /** A string with its length. */
  Body string(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return u16(utf8.length).raw(utf8);
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }
}
