// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import java.util.function.LongSupplier;

/**
 * How much a disk does in a second, whichever of its queues asks for it: a number of requests that
 * read, write, discard or write zeroes, and a number of bytes that are read, written or made zero.
 * Flushes are free, and so is what is answered without the disk. What was left unused counts for
 * one second at most, and the disk begins with that much. A request of more than that waits for all
 * of it, and those after it wait until it is paid for.
 *
 * <p>Queues whose next request has to wait stand in a line. The first of them waits for the time,
 * the others to become the first; one that comes later passes only where there is enough for those
 * before it as well. So a large request is not kept waiting by small ones of other queues.
 *
 * <p>For any thread. The monitor is held for a few instructions, and to wake a queue's thread.
 */
public final class RateLimit {
  /** The most of a limit, of requests or bytes a second. */
  public static final long MAX_PER_SECOND = TokenBucket.MAX_PER_SECOND;

  private static final long MAX_TIMEOUT_MILLISECONDS = 3_600_000;

  private final LongSupplier clock;
  private final boolean limited;

  // Guarded by this.
  private final TokenBucket requests;
  private final TokenBucket bytes;
  private Turn first;

  /**
   * The limits of a disk.
   *
   * @param requestsPerSecond 0 for any number
   * @param bytesPerSecond 0 for any number
   */
  public RateLimit(long requestsPerSecond, long bytesPerSecond) {
    this(requestsPerSecond, bytesPerSecond, System::nanoTime);
  }

  RateLimit(long requestsPerSecond, long bytesPerSecond, LongSupplier clock) {
    this.clock = clock;
    limited = requestsPerSecond != 0 || bytesPerSecond != 0;
    long now = clock.getAsLong();
    requests = new TokenBucket(requestsPerSecond, now);
    bytes = new TokenBucket(bytesPerSecond, now);
  }

  /**
   * For a queue, which has at most one request that waits.
   *
   * @param wakeup ends its thread's sleep when it has become the first in the line; called only
   *     between a {@link Turn#take} that is refused and the next that is not, or {@link Turn#leave}
   */
  Turn turn(Runnable wakeup) {
    return new Turn(wakeup);
  }

  /** A queue's place in the line. Used by the queue's thread alone, but for what is guarded. */
  final class Turn {
    private final Runnable wakeup;
    private boolean waiting;

    // Guarded by the limit.
    private long wantedBytes;
    private Turn next;

    private Turn(Runnable wakeup) {
      this.wakeup = wakeup;
    }

    /**
     * Has a request counted, if it may begin now; else it has to be asked for again, and the queue
     * is in the line until it may, or leaves.
     *
     * @param dataBytes how many bytes it reads, writes or makes zero, 0 to 2^32
     * @return whether it may begin
     */
    boolean take(long dataBytes) {
      if (!limited) {
        return true;
      }
      synchronized (RateLimit.this) {
        long now = clock.getAsLong();
        wantedBytes = dataBytes;
        if (delay(this, now) > 0) {
          enter(this);
          return false;
        }
        requests.take(1, now);
        bytes.take(dataBytes, now);
        remove(this);
        return true;
      }
    }

    /** How long to sleep until the request may begin: in milliseconds, -1 until woken. */
    int timeoutMilliseconds() {
      synchronized (RateLimit.this) {
        if (first != this) {
          return -1;
        }
        long milliseconds = (delay(this, clock.getAsLong()) + 999_999) / 1_000_000;
        return (int) Math.min(MAX_TIMEOUT_MILLISECONDS, milliseconds);
      }
    }

    /** The queue does not wait any more. */
    void leave() {
      if (waiting) {
        synchronized (RateLimit.this) {
          remove(this);
        }
      }
    }
  }

  /** How long until there is enough for a queue and for those that are in the line before it. */
  private long delay(Turn turn, long now) {
    long requestNeeds = requests.need(1);
    long byteNeeds = bytes.need(turn.wantedBytes);
    for (Turn other = first; other != null && other != turn; other = other.next) {
      requestNeeds += requests.need(1);
      byteNeeds += bytes.need(other.wantedBytes);
    }
    return Math.max(requests.delay(requestNeeds, now), bytes.delay(byteNeeds, now));
  }

  private void enter(Turn turn) {
    if (turn.waiting) {
      return;
    }
    turn.waiting = true;
    if (first == null) {
      first = turn;
      return;
    }
    Turn last = first;
    while (last.next != null) {
      last = last.next;
    }
    last.next = turn;
  }

  private void remove(Turn turn) {
    if (!turn.waiting) {
      return;
    }
    turn.waiting = false;
    if (first == turn) {
      first = turn.next;
      if (first != null) {
        first.wakeup.run();
      }
    } else {
      Turn before = first;
      while (before.next != turn) {
        before = before.next;
      }
      before.next = turn.next;
    }
    turn.next = null;
  }
}
