// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;

/**
 * What reads and writes of a disk's file say that fail.
 *
 * @param disk its name
 */
record TransferErrors(String disk) {
  private static final int MAX_AGAIN = 1000;

  /** Of a read that finds no byte where there should be one. */
  DiskException truncated(long at) {
    return new DiskException(
        disk,
        DiskException.Kind.SHRANK_IN_USE,
        "the file has nothing at byte " + at + ": it was truncated while in use");
  }

  /** Of a call that failed. */
  LinuxException failed(String call, long at, int errno) {
    return new LinuxException("disk " + disk + ": " + call + " at byte " + at, errno);
  }

  /**
   * Decides about a call that failed.
   *
   * @param result its errno, negated
   * @param again how often it was made again
   * @return the same with the next time
   * @throws LinuxException if there is to be no next time
   */
  int retry(String call, long result, long at, int again) throws LinuxException {
    if (result == -Errno.EAGAIN && again < MAX_AGAIN) {
      Thread.yield();
      return again + 1;
    }
    throw failed(call, at, (int) -result);
  }
}
