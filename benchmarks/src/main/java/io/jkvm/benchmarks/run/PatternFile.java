// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The disk's file: each 8 bytes of it say where they are, as workload.h of the guest has it. */
public final class PatternFile {
  private static final long PATTERN_STEP = 0x9E3779B97F4A7C15L;
  private static final int CHUNK_BYTES = 1 << 20;

  private PatternFile() {}

  /**
   * Writes the file and waits until it is on the disk.
   *
   * @param bytes a multiple of 1 MiB
   */
  public static void write(Path file, long bytes) throws IOException {
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long word = 0; word < bytes / Long.BYTES; ) {
        chunk.clear();
        while (chunk.hasRemaining()) {
          chunk.putLong(++word * PATTERN_STEP);
        }
        chunk.flip();
        while (chunk.hasRemaining()) {
          channel.write(chunk);
        }
      }
      channel.force(true);
    }
  }
}
