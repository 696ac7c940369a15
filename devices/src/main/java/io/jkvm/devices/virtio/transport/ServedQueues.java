// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

import io.jkvm.devices.virtio.queue.QueueService;
import java.util.concurrent.TimeUnit;

/**
 * The services of a device's active queues. All are at rest while there is at least one reason to
 * hold them; one that is started meanwhile begins at rest.
 *
 * <p>For any thread. The monitor is not held while waiting for a service, and is taken before those
 * of the services.
 */
final class ServedQueues {
  /** Reasons to hold the services, one bit each. */
  static final int PAUSED = 1;

  static final int NOT_BUS_MASTER = 2;

  private final QueueService[] services;
  private int holds;

  ServedQueues(int count) {
    services = new QueueService[count];
  }

  /** Takes charge of a service and starts it. */
  synchronized void start(int queue, QueueService service) {
    services[queue] = service;
    if (holds != 0) {
      service.requestPause();
    }
    service.start();
  }

  /** Which queues have a service. */
  synchronized boolean[] started() {
    boolean[] started = new boolean[services.length];
    for (int i = 0; i < started.length; i++) {
      started[i] = services[i] != null;
    }
    return started;
  }

  /**
   * Brings all services to rest, and keeps them so until the reason is gone.
   *
   * @return -1, or a queue whose service still is at work after the time
   */
  int hold(int reason, long milliseconds) {
    QueueService[] held;
    synchronized (this) {
      holds |= reason;
      held = services.clone();
      try {
        for (QueueService service : held) {
          if (service != null) {
            service.requestPause();
          }
        }
      } catch (RuntimeException | Error e) { // a service of the user's own
        release(reason);
        throw e;
      }
    }
    Deadline deadline = new Deadline(milliseconds);
    for (int i = 0; i < held.length; i++) {
      if (held[i] != null && !held[i].awaitPaused(deadline.left())) {
        return i;
      }
    }
    return -1;
  }

  /** Takes a reason away; with the last one the services go on. */
  synchronized void release(int reason) {
    holds &= ~reason;
    if (holds == 0) {
      for (QueueService service : services) {
        if (service != null) {
          service.resume();
        }
      }
    }
  }

  /**
   * Ends the services of some queues.
   *
   * @return false if one is still at work after the time; to be called again
   */
  boolean stop(int from, int to, long milliseconds) {
    QueueService[] stopping;
    synchronized (this) {
      stopping = services.clone();
      for (int i = from; i < to; i++) {
        if (stopping[i] != null) {
          stopping[i].requestStop();
        }
      }
    }
    Deadline deadline = new Deadline(milliseconds);
    boolean stopped = true;
    for (int i = from; i < to; i++) {
      if (stopping[i] != null) {
        if (stopping[i].awaitStopped(deadline.left())) {
          forget(i);
        } else {
          stopped = false;
        }
      }
    }
    return stopped;
  }

  private synchronized void forget(int queue) {
    services[queue] = null;
  }

  /** A point in time that several waits share. */
  private static final class Deadline {
    private final long end;

    Deadline(long milliseconds) {
      end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(milliseconds);
    }

    /** Milliseconds until then, rounded up. */
    long left() {
      return (end - System.nanoTime() + 999_999) / 1_000_000;
    }
  }
}
