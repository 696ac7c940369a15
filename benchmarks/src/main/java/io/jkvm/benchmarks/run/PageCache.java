// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The host's page cache for one file. */
public final class PageCache {
  private static final int CHUNK_BYTES = 1 << 20;

  private final Path file;

  public PageCache(Path file) {
    this.file = file;
  }

  /** Brings the cache into the state that a step wants; what is dirty is written first. */
  void prepare(Step.Cache wanted) throws IOException, InterruptedException {
    // The only program everywhere that calls posix_fadvise(POSIX_FADV_DONTNEED), which drops what
    // is clean.
    String conversion =
        wanted == Step.Cache.COLD
            ? "oflag=nocache conv=notrunc,fdatasync"
            : "conv=notrunc,fdatasync";
    Command.run("sh", "-c", "exec dd of=\"$1\" count=0 status=none " + conversion, "sh", "" + file);
    if (wanted == Step.Cache.WARM) {
      read();
    } else if (residentBytes() > Files.size(file) / 100) {
      throw new IOException(
          file
              + " stays in the page cache though its pages were to be dropped; who has it mapped?");
    }
  }

  private void read() throws IOException {
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (channel.read(chunk) >= 0) {
        chunk.clear();
      }
    }
  }

  /** How much of the file is in the cache, in bytes, or -1 where fincore does not tell. */
  private long residentBytes() throws InterruptedException {
    try {
      return Long.parseLong(Command.run("fincore", "-nb", "-o", "RES", "" + file).trim());
    } catch (IOException | NumberFormatException e) {
      return -1;
    }
  }
}
