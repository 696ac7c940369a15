// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.EventFd;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Requests that threads have finished, on their way back to the queue's thread. It is woken if it
 * sleeps, or is about to: it says so and then looks again, while the others put their request here
 * and then look whether it sleeps, with a full fence between the two on both sides.
 */
final class Completions {
  private final AtomicReference<DiskRequest> pushed = new AtomicReference<>();
  private volatile boolean sleeping;

  /** Of the queue's thread only: taken over, the oldest first. */
  private DiskRequest taken;

  /** Guarded by this: nobody signals it any more once {@link #detach} has returned. */
  private EventFd wakeup;

  synchronized void attach(EventFd newWakeup) {
    wakeup = newWakeup;
  }

  synchronized void detach() {
    sleeping = false;
    wakeup = null;
  }

  /** A request is finished; for any thread. */
  void push(DiskRequest request) {
    DiskRequest head;
    do {
      head = pushed.get();
      request.next = head;
    } while (!pushed.compareAndSet(head, request)); // a full fence, too
    if (sleeping) {
      wake();
    }
  }

  private synchronized void wake() {
    if (wakeup != null) {
      wakeup.signal();
    }
  }

  DiskRequest take() {
    if (taken == null) {
      if (pushed.get() == null) {
        return null;
      }
      for (DiskRequest request = pushed.getAndSet(null); request != null; ) {
        DiskRequest older = request.next;
        request.next = taken;
        taken = request;
        request = older;
      }
    }
    DiskRequest first = taken;
    taken = first.next;
    first.next = null;
    return first;
  }

  boolean isEmpty() {
    return taken == null && pushed.get() == null;
  }

  /** What is pushed from now on wakes the thread. */
  void sleeping(boolean nowSleeping) {
    sleeping = nowSleeping; // volatile: a full fence behind it
  }
}
