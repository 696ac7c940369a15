// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The bytes of a kernel that was unpacked into the Java heap. */
final class HeapBytes implements KernelBytes {
  private final byte[] bytes;

  HeapBytes(byte[] bytes) {
    this.bytes = bytes;
  }

  @Override
  public long size() {
    return bytes.length;
  }

  @Override
  public void read(long offset, ByteBuffer target) throws IOException {
    if (offset < 0 || offset > bytes.length - target.remaining()) {
      throw new EOFException("it ends at byte " + bytes.length);
    }
    target.put(bytes, (int) offset, target.remaining());
  }
}
