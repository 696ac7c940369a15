// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

/**
 * A token bucket that holds what comes in one second, and is full at first. It is kept as the time
 * at which it will be full again (the virtual scheduling of ITU-T I.371, A.2), so nothing has to
 * fill it, and time that nobody used does not count for more than a full bucket. Who wants more
 * than it holds waits until it is full and leaves a debt. Not thread-safe.
 */
final class TokenBucket {
  static final long MAX_PER_SECOND = 1L << 40;

  private static final long SECOND = 1_000_000_000L;

  private final long perSecond;
  private long fullTime;

  /** Of what was taken so far, what is less than a nanosecond: in tokens times nanoseconds. */
  private long remainder;

  /**
   * A full bucket.
   *
   * @param perSecond how many tokens come in a second, at most {@link #MAX_PER_SECOND}; 0 for one
   *     that never is empty
   * @param now the present time in nanoseconds
   */
  TokenBucket(long perSecond, long now) {
    if (perSecond < 0 || perSecond > MAX_PER_SECOND) {
      throw new IllegalArgumentException(perSecond + " tokens a second");
    }
    this.perSecond = perSecond;
    fullTime = now;
  }

  /**
   * How much must be in the bucket for some tokens to be taken, as the time in which it comes.
   *
   * @param tokens 0 to 2^32
   * @return nanoseconds, no more than a second
   */
  long need(long tokens) {
    return perSecond == 0 ? 0 : Math.min(SECOND, cost(tokens) / perSecond);
  }

  /** At most 2^32 seconds, which is less than 2^62 nanoseconds. */
  private long cost(long tokens) {
    return remainder + tokens * SECOND;
  }

  /**
   * How long it takes until so much is in the bucket.
   *
   * @param needs the sum of some {@link #need}s; for more than a second it never is
   * @return nanoseconds; 0 if it is there
   */
  long delay(long needs, long now) {
    return Math.max(0, Math.max(0, fullTime - now) + needs - SECOND);
  }

  /**
   * Takes tokens out, also if they are not there.
   *
   * @param tokens 0 to 2^32
   */
  void take(long tokens, long now) {
    if (perSecond > 0) {
      long cost = cost(tokens);
      fullTime = Math.max(0, fullTime - now) + now + cost / perSecond;
      remainder = cost % perSecond;
    }
  }
}
