// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.devices.storage.BlockBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.slf4j.LoggerFactory;

/**
 * Threads that carry out the requests of one queue by calls that wait. They come with the need for
 * them and go when they have been idle for a while. The first is the queue's own, so that no other
 * disk that hangs can take it away; those beyond are of a number that all queues share.
 *
 * <p>Monitors and lists through the requests themselves, since the locks of java.util.concurrent
 * allocate for each wait.
 */
final class WorkerPool {
  private static final long IDLE_MILLISECONDS = 10_000;
  private static final long END_MILLISECONDS = 10_000;

  private final String name;
  private final BlockBackend backend;
  private final Flushes flushes;
  private final Semaphore shared;
  private final int most;

  // Guarded by this.
  private final List<WorkerThread> workers = new ArrayList<>();

  /** Workers that take another request; those that are about to end do not. */
  private int serving;

  private DiskRequest first;
  private DiskRequest last;
  private int queued;
  private int idle;
  private boolean closed;

  /**
   * Without any thread yet.
   *
   * @param name of the threads
   * @param shared has a permit for each thread beyond the first of each queue
   * @param most threads
   */
  WorkerPool(String name, BlockBackend backend, Flushes flushes, Semaphore shared, int most) {
    this.name = name;
    this.backend = backend;
    this.flushes = flushes;
    this.shared = shared;
    this.most = most;
  }

  /**
   * Hands a request to a thread; it gets to its home when it is finished.
   *
   * @return false if there is no thread to be had: the caller has to carry it out
   */
  synchronized boolean execute(DiskRequest request) {
    if (queued >= idle && !startWorker() && serving == 0) {
      return false;
    }
    request.next = null;
    if (first == null) {
      first = request;
    } else {
      last.next = request;
    }
    last = request;
    queued++;
    if (idle > 0) {
      notify();
    }
    return true;
  }

  private boolean startWorker() {
    boolean isFirst = serving == 0;
    if (closed || serving >= most || !isFirst && !shared.tryAcquire()) {
      return false;
    }
    serving++;
    boolean started = false;
    try {
      WorkerThread[] worker = new WorkerThread[1];
      worker[0] = new WorkerThread(name, () -> work(worker[0]));
      workers.add(worker[0]);
      try {
        worker[0].start();
        started = true;
      } finally {
        if (!started) {
          workers.remove(worker[0]);
        }
      }
    } catch (Throwable e) { // no thread to be had: those there are do it, or the caller
      return false;
    } finally {
      if (!started) {
        stopServing();
      }
    }
    return true;
  }

  private void stopServing() {
    serving--;
    if (serving > 0) {
      shared.release();
    }
  }

  private void work(WorkerThread worker) {
    boolean hasStopped = false;
    try {
      for (DiskRequest request = next(); request != null; request = next()) {
        if (request.operation() == DiskRequest.Operation.FLUSH) {
          flushes.lead(request);
        } else {
          request.carryOut(backend);
          request.home.push(request);
        }
      }
      hasStopped = true;
    } finally {
      ended(worker, hasStopped);
    }
  }

  private synchronized DiskRequest next() {
    long start = System.nanoTime();
    while (first == null) {
      long left = IDLE_MILLISECONDS - (System.nanoTime() - start) / 1_000_000;
      if (closed || left <= 0) {
        stopServing(); // in one with the look: what comes now finds another
        return null;
      }
      idle++;
      try {
        wait(left);
      } catch (InterruptedException e) {
        continue; // nobody ends a worker that way
      } finally {
        idle--;
      }
    }
    DiskRequest request = first;
    first = request.next;
    request.next = null;
    queued--;
    return request;
  }

  private synchronized void ended(WorkerThread worker, boolean hasStopped) {
    workers.remove(worker);
    if (!hasStopped) {
      stopServing();
    }
  }

  /** Takes back what no thread has begun; a flush stays, which others may wait for. */
  synchronized void dropUnstarted(RequestSlots slots) {
    DiskRequest request = first;
    first = null;
    last = null;
    queued = 0;
    while (request != null) {
      DiskRequest following = request.next;
      request.next = null;
      if (request.operation() == DiskRequest.Operation.FLUSH) {
        if (first == null) {
          first = request;
        } else {
          last.next = request;
        }
        last = request;
        queued++;
      } else {
        slots.release(request);
      }
      request = following;
    }
  }

  /** Ends the threads, which are idle. */
  void close() {
    List<WorkerThread> ending;
    synchronized (this) {
      closed = true;
      notifyAll();
      ending = List.copyOf(workers);
    }
    long start = System.nanoTime();
    for (WorkerThread worker : ending) {
      if (!worker.join(END_MILLISECONDS - (System.nanoTime() - start) / 1_000_000)) {
        LoggerFactory.getLogger(WorkerPool.class).debug("{}: does not end", worker.name());
      }
    }
  }
}
