// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import io.airlift.compress.zstd.ZstdInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.XZInputStream;

/** How the file of a module is compressed, by its name as the kernel's build gives it. */
public enum ModuleCompression {
  /** Not at all. */
  NONE(".ko"),
  /** CONFIG_MODULE_COMPRESS_GZIP. */
  GZIP(".ko.gz"),
  /** CONFIG_MODULE_COMPRESS_XZ. */
  XZ(".ko.xz"),
  /** CONFIG_MODULE_COMPRESS_ZSTD; with windows of 8 MiB at most. */
  ZSTD(".ko.zst");

  private static final int BUFFER_BYTES = 1 << 16;
  private static final int XZ_MEMORY_LIMIT_KIB = 128 << 10;

  private final String suffix;

  ModuleCompression(String suffix) {
    this.suffix = suffix;
  }

  /** What the file's name ends with, the {@code .ko} included. */
  public String suffix() {
    return suffix;
  }

  InputStream unpack(InputStream in) throws IOException {
    return switch (this) {
      case NONE -> in;
      case GZIP -> new GZIPInputStream(in, BUFFER_BYTES);
      case XZ -> new XZInputStream(in, XZ_MEMORY_LIMIT_KIB);
      case ZSTD -> new ZstdInputStream(in);
    };
  }
}
