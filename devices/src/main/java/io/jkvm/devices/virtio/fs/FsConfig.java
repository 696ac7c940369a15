// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.devices.virtio.ConfigSpace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The configuration space (virtio 1.2, section 5.11.4).
 *
 * <pre>
 * struct virtio_fs_config {      offset
 *   u8 tag[36];                       0    UTF-8, zeroes behind it
 *   le32 num_request_queues;         36
 * };
 * </pre>
 */
final class FsConfig implements ConfigSpace {
  static final int TAG_BYTES = 36;

  private static final int BYTES = 40;

  private final ByteBuffer fields = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /** A configuration whose tag has been checked. */
  FsConfig(String tag, int requestQueues) {
    fields.put(0, tag.getBytes(StandardCharsets.UTF_8));
    fields.putInt(TAG_BYTES, requestQueues);
  }

  @Override
  public int length() {
    return BYTES;
  }

  @Override
  public int byteAt(int offset) {
    return fields.get(offset);
  }
}
