// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.devices.storage.BlockBackend;
import java.io.IOException;

/**
 * The flushes of a disk, of all its queues. One is running at a time; those that come meanwhile
 * wait together for one more, which covers all that was completed before they came. After a failure
 * every flush fails until the disk is opened anew: what was not written may be lost, and the host
 * tells it once.
 */
final class Flushes {
  private final BlockBackend backend;
  private final boolean ignored;

  // Guarded by this.
  private boolean running;
  private DiskRequest waiting;
  private Throwable failure;

  /**
   * Of a backend.
   *
   * @param ignored whether a flush does nothing, for disks that need not outlive the host
   */
  Flushes(BlockBackend backend, boolean ignored) {
    this.backend = backend;
    this.ignored = ignored;
  }

  /** Flushes now, on the caller's thread; never throws. */
  void carryOut(DiskRequest request) {
    Throwable why = flush();
    if (why != null) {
      request.fail(why);
    }
  }

  /**
   * Flushes now, beside those that are under way.
   *
   * @throws IOException if that fails, or one has failed before
   */
  void flushNow() throws IOException {
    Throwable why = flush();
    if (why instanceof IOException exception) {
      throw exception;
    }
    if (why != null) {
      throw new IOException("disk " + backend.name() + ": flush: " + why, why);
    }
  }

  /**
   * Joins those that wait, or has a thread lead. The request gets to its home when it is finished.
   *
   * @return true if it is finished already
   */
  boolean submit(DiskRequest request, WorkerPool pool) {
    if (ignored) {
      return true;
    }
    synchronized (this) {
      if (running) {
        request.next = waiting;
        waiting = request;
        return false;
      }
      running = true;
    }
    if (!pool.execute(request)) {
      lead(request);
    }
    return false;
  }

  /** Flushes for a request, and after it for those that came meanwhile; never throws. */
  void lead(DiskRequest leader) {
    leader.next = null;
    for (DiskRequest batch = leader; batch != null; ) {
      Throwable why = flush();
      DiskRequest following;
      synchronized (this) {
        following = waiting;
        waiting = null;
        running = following != null;
      }
      finish(batch, why);
      batch = following;
    }
  }

  private static void finish(DiskRequest batch, Throwable why) {
    for (DiskRequest request = batch; request != null; ) {
      DiskRequest following = request.next;
      if (why != null) {
        request.fail(why);
      }
      request.home.push(request);
      request = following;
    }
  }

  private Throwable flush() {
    if (ignored) {
      return null;
    }
    synchronized (this) {
      if (failure != null) {
        return again(failure);
      }
    }
    try {
      backend.flush();
      return null;
    } catch (Throwable e) { // whatever it is, the data is not known to be on the medium
      synchronized (this) {
        failure = e;
      }
      return e;
    }
  }

  private Throwable again(Throwable first) {
    try {
      return new IOException(
          "disk " + backend.name() + ": a flush failed before, data may be lost", first);
    } catch (OutOfMemoryError e) {
      return first;
    }
  }

  /** Takes back those that wait and belong to one queue; each is released. */
  synchronized void dropWaiting(Completions home, RequestSlots slots) {
    DiskRequest kept = null;
    for (DiskRequest request = waiting; request != null; ) {
      DiskRequest following = request.next;
      if (request.home == home) {
        slots.release(request);
      } else {
        request.next = kept;
        kept = request;
      }
      request = following;
    }
    waiting = kept;
  }
}
