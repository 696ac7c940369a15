// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

/**
 * Whether a write into the page cache will be as quick as a copy. As a rule it is, and then no
 * thread does it cheaper than the one that has it; but the host makes writers wait that dirty pages
 * faster than the medium takes them. After such a wait the next writes are for other threads. Used
 * by one thread.
 */
final class WritePredictor {
  private static final long SLOW_NANOSECONDS = 1_000_000;
  private static final int WRITES_AFTER_A_SLOW_ONE = 32;

  private int left;

  boolean expectsQuick() {
    if (left == 0) {
      return true;
    }
    left--;
    return false;
  }

  /**
   * A write was done.
   *
   * @param bytes a copy of so many takes at least a nanosecond for each two, even on a slow host
   */
  void took(long nanoseconds, long bytes) {
    if (nanoseconds > SLOW_NANOSECONDS + bytes) {
      left = WRITES_AFTER_A_SLOW_ONE;
    }
  }
}
