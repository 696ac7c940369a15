// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The bytes of a kernel file; the file is open only while a read lasts. */
final class FileBytes implements KernelBytes {
  /** Heap buffers go through a native buffer of this size at most, which the JDK caches. */
  private static final int PIECE_BYTES = 1 << 18;

  private final Path path;
  private final long size;

  FileBytes(Path path) throws IOException {
    this.path = path;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      size = channel.size();
    }
  }

  Path path() {
    return path;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long offset, ByteBuffer target) throws IOException {
    int end = target.limit();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long at = offset;
      while (target.position() < end) {
        if (!target.isDirect()) {
          target.limit(Math.min(end, target.position() + PIECE_BYTES));
        }
        int count = channel.read(target, at);
        if (count < 0) {
          throw new EOFException("it ends at byte " + at);
        }
        at += count;
      }
    } finally {
      target.limit(end);
    }
  }
}
