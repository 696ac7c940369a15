// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.lifecycle.RememberedInterrupt;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * Looks how large an open file is, for any thread. A host may take for ever to say so, as the
 * server of a network file system does that is gone; so the file is not closed under a look at it:
 * its descriptor's number may be another file's then.
 */
final class SizeProbe {
  private final LongSupplier size;

  // Guarded by this.
  private int looks;
  private boolean ended;

  /**
   * A probe of an open file.
   *
   * @param size the system call: bytes, or a negative errno
   */
  SizeProbe(LongSupplier size) {
    this.size = size;
  }

  /** What the system call says; empty after the end. */
  OptionalLong look() {
    synchronized (this) {
      if (ended) {
        return OptionalLong.empty();
      }
      looks++;
    }
    try {
      return OptionalLong.of(size.getAsLong());
    } finally {
      synchronized (this) {
        looks--;
        notifyAll();
      }
    }
  }

  /**
   * Ends it: no look begins any more.
   *
   * @param milliseconds how long to wait at most for those that have begun
   * @return false if one has not come to its end: the file has to stay open
   */
  synchronized boolean end(long milliseconds) {
    ended = true;
    long start = System.nanoTime();
    try (RememberedInterrupt interrupt = new RememberedInterrupt()) {
      while (looks > 0) {
        long left = milliseconds - (System.nanoTime() - start) / 1_000_000;
        if (left <= 0) {
          return false;
        }
        interrupt.wait(this, left);
      }
    }
    return true;
  }
}
