// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.lifecycle.WorkerThread;

/** A queue's thread, which can be asked to rest and to end. It looks at that between requests. */
public final class ServiceThread implements QueueService {
  /** What the thread does. */
  public interface Body {
    /**
     * Serves until it is to stop; spends a pause in {@link ServiceThread#park}.
     *
     * @param thread the one that runs this
     */
    void serve(ServiceThread thread);

    /** The service has ended; for what must run when nobody takes it for running any more. */
    default void ended() {}
  }

  private enum Command {
    SERVE,
    PAUSE,
    STOP
  }

  private final ActiveQueue queue;
  private final Body body;
  private final WorkerThread thread;

  /** Written with the monitor held; looked at between requests. */
  private volatile Command command = Command.SERVE;

  // Guarded by this.
  private boolean running;
  private boolean parked;

  /** A service that is not started yet; its thread has the queue's name. */
  public ServiceThread(ActiveQueue queue, Body body) {
    this.queue = queue;
    this.body = body;
    thread = new WorkerThread(queue.name(), this::run);
  }

  private void run() {
    try {
      body.serve(this);
    } finally {
      setEnded();
      body.ended();
    }
  }

  private synchronized void setEnded() {
    running = false;
    notifyAll();
  }

  @Override
  public synchronized void start() {
    thread.start();
    running = true;
  }

  /** Whether requests are to be served, as far as those who ask for rest or the end go. */
  public boolean mayServe() {
    return command == Command.SERVE;
  }

  /** Whether the thread is to rest. */
  public boolean mustRest() {
    return command == Command.PAUSE;
  }

  /** Whether the thread is to end. */
  public boolean mustEnd() {
    return command == Command.STOP;
  }

  /** Spends a pause; for the thread itself, at a time when it has nothing in its hands. */
  public synchronized void park() {
    while (command == Command.PAUSE) {
      // Set each time round: a resume and another pause may both come before this thread runs.
      parked = true;
      notifyAll();
      try {
        wait();
      } catch (InterruptedException e) {
        continue; // nobody ends a queue's thread that way
      }
    }
    parked = false;
  }

  /**
   * Does something while the thread can neither begin a pause nor end, and wakes it.
   *
   * @param action must not wait
   * @return false, and nothing was done, if nothing is served now
   */
  synchronized boolean whileServing(Runnable action) {
    if (!running || command != Command.SERVE) {
      return false;
    }
    action.run();
    queue.wake();
    return true;
  }

  /** Wakes the thread. Once a stop was asked for, the eventfd's number may be another file's. */
  synchronized void wake() {
    if (running && command != Command.STOP) {
      queue.wake();
    }
  }

  @Override
  public void requestPause() {
    synchronized (this) {
      if (command == Command.SERVE) {
        command = Command.PAUSE;
      }
    }
    queue.wake();
  }

  @Override
  public synchronized boolean awaitPaused(long milliseconds) {
    return BoundedWait.await(this, () -> parked || !running, milliseconds);
  }

  @Override
  public synchronized void resume() {
    if (command == Command.PAUSE) {
      command = Command.SERVE;
      parked = false;
      notifyAll();
      queue.wake(); // a thread that was not parked yet may be waiting for what it has in its hands
    }
  }

  @Override
  public void requestStop() {
    synchronized (this) {
      command = Command.STOP;
      notifyAll();
    }
    queue.wake();
  }

  @Override
  public boolean awaitStopped(long milliseconds) {
    return thread.join(milliseconds);
  }
}
