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
 */
public record DiskTuning(Cache cache, int queues, boolean polling) {
  /** The most queues. */
  public static final int MAX_QUEUES = 64;

  /** As a disk is that nobody has wished otherwise. */
  public static final DiskTuning DEFAULT = new DiskTuning(Cache.WRITEBACK, 1, true);

  /** When what the guest writes is on the medium. */
  public enum Cache {
    /** When the guest has flushed it; in the host's page cache before. */
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
  }

  /** The same with another cache. */
  public DiskTuning withCache(Cache newCache) {
    return new DiskTuning(newCache, queues, polling);
  }

  /** The same with another number of queues. */
  public DiskTuning withQueues(int newQueues) {
    return new DiskTuning(cache, newQueues, polling);
  }

  /** The same, but the queues' threads sleep as soon as they have nothing to do. */
  public DiskTuning withoutPolling() {
    return new DiskTuning(cache, queues, false);
  }
}
