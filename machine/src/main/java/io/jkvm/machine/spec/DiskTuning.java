// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;

/**
 * How a disk works, as far as that is not what it holds.
 *
 * @param cache when what the guest writes is on the medium
 * @param queues how many request queues it has at most, 1 to {@value #MAX_QUEUES}; never more than
 *     the machine has processors, and one for a disk of the user's own
 * @param polling whether a queue's thread may look for requests for a moment before it sleeps,
 *     which makes the next one quicker and costs processor time while there are requests
 * @param direct whether the image is read and written past the host's page cache (open(2),
 *     O_DIRECT); not for a disk of the user's own
 * @param iops how many requests that read, write, discard or write zeroes it carries out in a
 *     second, whichever queue they come by: 1 to {@value #MAX_IOPS}, or 0 for any number
 * @param bytesPerSecond how many bytes it reads, writes or makes zero in a second: {@value
 *     #MIN_BYTES_PER_SECOND} to {@value #MAX_BYTES_PER_SECOND}, or 0 for any number
 */
public record DiskTuning(
    Cache cache, int queues, boolean polling, boolean direct, long iops, long bytesPerSecond) {
  /** The most queues. */
  public static final int MAX_QUEUES = 64;

  /** The highest limit of requests in a second. */
  public static final long MAX_IOPS = 1_000_000_000;

  /** The lowest limit of bytes in a second: a sector. */
  public static final long MIN_BYTES_PER_SECOND = 512;

  /** The highest limit of bytes in a second: 1 TiB. */
  public static final long MAX_BYTES_PER_SECOND = 1L << 40;

  /** As a disk is that nobody has wished otherwise. */
  public static final DiskTuning DEFAULT = new DiskTuning(Cache.WRITEBACK, 1, true, false, 0, 0);

  /** When what the guest writes is on the medium. */
  public enum Cache {
    /** When the guest has flushed it; in a cache of the host or of the medium before. */
    WRITEBACK,
    /** When the write is answered. */
    WRITETHROUGH,
    /** When the host likes: a flush does nothing. For what need not outlive a crash of the host. */
    UNSAFE
  }

  /**
   * Checks that it is whole.
   *
   * @throws MachineException with {@link Problem#DISK}
   */
  public DiskTuning {
    if (cache == null) {
      throw new MachineException(Problem.DISK, "a disk without a kind of cache: it is null");
    }
    if (queues < 1 || queues > MAX_QUEUES) {
      throw new MachineException(
          Problem.DISK, "a disk has 1 to " + MAX_QUEUES + " queues, not " + queues);
    }
    if (iops < 0 || iops > MAX_IOPS) {
      throw new MachineException(
          Problem.DISK,
          "a disk can be limited to 1 to " + MAX_IOPS + " requests a second, not to " + iops);
    }
    if (bytesPerSecond != 0
        && (bytesPerSecond < MIN_BYTES_PER_SECOND || bytesPerSecond > MAX_BYTES_PER_SECOND)) {
      throw new MachineException(
          Problem.DISK,
          "a disk can be limited to "
              + MIN_BYTES_PER_SECOND
              + " to "
              + MAX_BYTES_PER_SECOND
              + " bytes a second, not to "
              + bytesPerSecond);
    }
  }

  /** The same with another cache. */
  public DiskTuning withCache(Cache newCache) {
    return new DiskTuning(newCache, queues, polling, direct, iops, bytesPerSecond);
  }

  /** The same with another number of queues. */
  public DiskTuning withQueues(int newQueues) {
    return new DiskTuning(cache, newQueues, polling, direct, iops, bytesPerSecond);
  }

  /** The same, but the queues' threads sleep as soon as they have nothing to do. */
  public DiskTuning withoutPolling() {
    return new DiskTuning(cache, queues, false, direct, iops, bytesPerSecond);
  }

  /** The same, but the image is read and written past the host's page cache. */
  public DiskTuning withDirect() {
    return new DiskTuning(cache, queues, polling, true, iops, bytesPerSecond);
  }

  /** The same with another limit of requests in a second; 0 for none. */
  public DiskTuning withIops(long newIops) {
    return new DiskTuning(cache, queues, polling, direct, newIops, bytesPerSecond);
  }

  /** The same with another limit of bytes in a second; 0 for none. */
  public DiskTuning withBytesPerSecond(long newBytesPerSecond) {
    return new DiskTuning(cache, queues, polling, direct, iops, newBytesPerSecond);
  }
}
