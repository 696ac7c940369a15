// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.LinuxException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * An engine that completes what a test tells it to: requests begin in their order, and as many as
 * are under way can be finished in any.
 */
public final class GatedEngine implements DiskEngine {
  private final RequestSlots slots;
  private final Deque<DiskRequest> unstarted = new ArrayDeque<>();
  private final Deque<DiskRequest> begun = new ArrayDeque<>();
  private final Deque<DiskRequest> finished = new ArrayDeque<>();
  private final int mostBegun;
  private EventFd wakeup;
  private int submitted;
  private int attached;
  private Error error;

  /**
   * An engine.
   *
   * @param mostBegun how many are begun at once; the others are unstarted
   */
  public GatedEngine(int capacity, int mostBegun) throws LinuxException {
    slots = RequestSlots.several(capacity);
    this.mostBegun = mostBegun;
  }

  /** How many requests there have been. */
  public synchronized int submitted() {
    return submitted;
  }

  /** How many are begun and not finished. */
  public synchronized int begun() {
    return begun.size();
  }

  /** How many threads use it. */
  public synchronized int attached() {
    return attached;
  }

  /** Finishes the request that was begun last, or first, and wakes the queue's thread. */
  public synchronized void finish(boolean last, Throwable failure) {
    DiskRequest request = last ? begun.removeLast() : begun.removeFirst();
    if (failure != null) {
      request.fail(failure);
    }
    finished.add(request);
    if (wakeup != null) {
      wakeup.signal();
    }
  }

  /** Has the queue's thread meet an error when it looks for what is finished. */
  public synchronized void failOnce(Error newError) {
    error = newError;
    wakeup.signal();
  }

  /** Finishes all that are begun. */
  public synchronized void finishAll() {
    while (!begun.isEmpty()) {
      finish(true, null);
    }
  }

  @Override
  public DiskEngines.Kind kind() {
    return DiskEngines.Kind.THREADS;
  }

  @Override
  public int capacity() {
    return slots.capacity();
  }

  @Override
  public synchronized void attach(EventFd newWakeup) {
    wakeup = newWakeup;
    attached++;
  }

  @Override
  public synchronized void detach() {
    wakeup = null;
    attached--;
  }

  @Override
  public DiskRequest acquire() {
    return slots.acquire();
  }

  @Override
  public void release(DiskRequest request) {
    slots.release(request);
  }

  @Override
  public int inFlight() {
    return slots.inUse();
  }

  @Override
  public synchronized boolean submit(DiskRequest request) {
    request.submitted();
    submitted++;
    unstarted.add(request);
    return false;
  }

  @Override
  public synchronized void start() {
    while (!unstarted.isEmpty() && begun.size() < mostBegun) {
      begun.add(unstarted.remove());
    }
  }

  @Override
  public synchronized DiskRequest complete() {
    if (error != null) {
      Error now = error;
      error = null;
      throw now;
    }
    return finished.poll();
  }

  @Override
  public synchronized boolean hasCompleted() {
    return !finished.isEmpty();
  }

  @Override
  public boolean mayNotSleep() {
    return hasCompleted();
  }

  @Override
  public void awake() {}

  @Override
  public void flush() {}

  @Override
  public synchronized void dropUnstarted() {
    while (!unstarted.isEmpty()) {
      slots.release(unstarted.remove());
    }
  }

  @Override
  public void close() {
    slots.close();
  }
}
