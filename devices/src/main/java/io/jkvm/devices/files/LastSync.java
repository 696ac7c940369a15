// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

import io.jkvm.core.linux.Errno;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The end of a tree that a guest may have written to. */
public final class LastSync {
  private LastSync() {}

  /**
   * Closes a tree when all that was written to it is on stable storage, as far as the tree knows of
   * such: not every guest's kernel has a way to ask for that, and none that is cut off does.
   *
   * @throws UncheckedIOException if it is not; the tree is closed all the same
   */
  public static void close(FileTree tree) {
    int result;
    try {
      result = tree.sync();
    } finally {
      tree.close();
    }
    if (result < 0) {
      String error = Errno.name(-result);
      throw new UncheckedIOException(
          "share " + tree.name() + ": what the guest wrote last may be lost: syncfs: " + error,
          new IOException(error));
    }
  }
}
