// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Random access to the bytes of a kernel, be they in a file or unpacked in memory. */
interface KernelBytes {
  /** The length in bytes. */
  long size();

  /**
   * Fills the target's remaining space.
   *
   * @throws IOException if that much can't be read; the message has the cause only
   */
  void read(long offset, ByteBuffer target) throws IOException;

  /** Reads a small piece, little-endian. */
  default ByteBuffer bytes(long offset, int length) throws IOException {
    ByteBuffer target = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    read(offset, target);
    return target.flip();
  }
}
