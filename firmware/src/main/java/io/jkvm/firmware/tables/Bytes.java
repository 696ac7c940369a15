// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** Puts byte strings together. */
final class Bytes {
  private Bytes() {}

  static byte[] join(byte[]... parts) {
    return join(Arrays.asList(parts));
  }

  static byte[] join(List<byte[]> parts) {
    ByteBuffer joined = ByteBuffer.allocate(parts.stream().mapToInt(part -> part.length).sum());
    parts.forEach(joined::put);
    return joined.array();
  }

  /** What was written to a buffer so far. */
  static byte[] written(ByteBuffer buffer) {
    return Arrays.copyOf(buffer.array(), buffer.position());
  }
}
