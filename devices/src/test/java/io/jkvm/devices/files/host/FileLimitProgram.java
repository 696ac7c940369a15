// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.nio.file.Path;

/** Writes more than it may, in the directory that is its argument. */
final class FileLimitProgram {
  private static final long BEYOND = 1L << 30;

  private FileLimitProgram() {}

  /** Fails with an exception, or ends by a signal, if that is not just an error. */
  public static void main(String[] arguments) throws Exception {
    try (HostShare share = new HostShare(Path.of(arguments[0]));
        OpenFile file = share.create(HostShare.ROOT, "f", 0600, OpenFlags.READ_WRITE)) {
      long node = share.entry.node;
      HostShare.ok(HostShare.write(file, "x", 0));
      HostShare.fails(Errno.EFBIG, HostShare.write(file, "x", BEYOND));
      HostShare.fails(Errno.EFBIG, file.allocate(0, 0, BEYOND));
      share.change.size = BEYOND;
      HostShare.fails(Errno.EFBIG, share.change(node, file, AttributeChange.SIZE));
      HostShare.fails(Errno.EFBIG, share.change(node, AttributeChange.SIZE));
    }
  }
}
