// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

/**
 * How a link behaves, in each direction on its own.
 *
 * @param bitsPerSecond its rate, counted from Ethernet header to payload; 0 for as fast as can be
 * @param loss the share of frames that get lost, 0 to 1
 * @param delayNanos how long a frame is on its way at least, 0 to {@link #MAX_DELAY_NANOS}
 * @param seed decides which frames get lost
 */
public record LinkQuality(long bitsPerSecond, double loss, long delayNanos, long seed) {
  /** An hour. */
  public static final long MAX_DELAY_NANOS = 3_600_000_000_000L;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException one line saying what is out of range
   */
  public LinkQuality {
    if (bitsPerSecond < 0) {
      throw new IllegalArgumentException("rate " + bitsPerSecond + ": must not be negative");
    }
    if (!(loss >= 0 && loss <= 1)) {
      throw new IllegalArgumentException("loss " + loss + ": must be from 0 to 1");
    }
    if (delayNanos < 0 || delayNanos > MAX_DELAY_NANOS) {
      throw new IllegalArgumentException("delay " + delayNanos + " ns: must be up to an hour");
    }
  }

  /** Whether frames must be kept for a while. */
  boolean needsQueue() {
    return bitsPerSecond > 0 || delayNanos > 0;
  }
}
