// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.devices.virtio.ConfigSpace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The configuration space.
 *
 * <pre>
 * struct virtio_9p_config {   offset
 *   le16 tag_len;                  0
 *   u8 tag[tag_len];               2    UTF-8
 * };
 * </pre>
 */
final class P9Config implements ConfigSpace {
  private final ByteBuffer fields;

  /** A configuration whose tag has been checked. */
  P9Config(String tag) {
    byte[] bytes = tag.getBytes(StandardCharsets.UTF_8);
    fields = ByteBuffer.allocate(2 + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
    fields.putShort(0, (short) bytes.length).put(2, bytes);
  }

  @Override
  public int length() {
    return fields.capacity();
  }

  @Override
  public int byteAt(int offset) {
    return fields.get(offset);
  }
}
