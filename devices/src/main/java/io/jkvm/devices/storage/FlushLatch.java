// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.LinuxException;
import java.util.function.IntSupplier;

/**
 * Flushes, and remembers the first failure. Linux reports a failed write-back to a descriptor once
 * and takes the pages for clean from then on (fsync(2)), so a later success would say that data is
 * on the disk which is lost: after a failure every flush fails until the image is opened anew.
 */
final class FlushLatch {
  private final String call;
  private final IntSupplier sync;
  private int errno;

  /**
   * A latch that is not set.
   *
   * @param call for error messages
   * @param sync the system call: 0 or a negative errno
   */
  FlushLatch(String call, IntSupplier sync) {
    this.call = call;
    this.sync = sync;
  }

  /** One at a time: a second caller must not be told of success before the latch is set. */
  synchronized void flush() throws LinuxException {
    if (errno != 0) {
      throw new LinuxException(call + " failed before, data may be lost", errno);
    }
    errno = -Math.min(0, sync.getAsInt());
    if (errno != 0) {
      throw new LinuxException(call, errno);
    }
  }
}
