// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

/**
 * A thread of a machine: a daemon, so that nothing it waits for can keep the process alive, with a
 * name that says whose it is in a stack dump of many machines.
 *
 * <p>All methods may be called from any thread. A worker runs once; it can't be started again.
 */
public final class WorkerThread {
  private final Thread thread;

  /** Tells workers from other threads. */
  private static final class Worker extends Thread {
    Worker(Runnable body, String name) {
      super(body, name);
      setDaemon(true);
    }
  }

  /**
   * A worker that does not run yet.
   *
   * @param name "MACHINE/part", such as "vm1/vcpu0"; Linux shows its first 15 bytes
   * @param body what it does; an exception that leaves it goes to the default handler
   */
  public WorkerThread(String name, Runnable body) {
    thread = new Worker(body, name);
  }

  /** Whether the caller is a worker of any machine, which must not wait for that machine's end. */
  public static boolean isCurrentAny() {
    return Thread.currentThread() instanceof Worker;
  }

  /**
   * Starts it.
   *
   * @return this worker
   * @throws IllegalThreadStateException if it was started before
   * @throws OutOfMemoryError if the host gives no more threads
   */
  public WorkerThread start() {
    thread.start();
    return this;
  }

  /**
   * Waits for its end. An interrupt of the calling thread does not end the wait; it is remembered
   * and set again on return, because whoever frees what the worker uses must not be hurried.
   *
   * @param milliseconds how long at most; 0 or less only looks
   * @return false if it still runs, also at once when a worker would wait for itself; true if it
   *     has ended or was never started
   */
  public boolean join(long milliseconds) {
    long start = System.nanoTime();
    boolean interrupted = false;
    while (thread.isAlive() && !isCurrent()) {
      long remaining = milliseconds - (System.nanoTime() - start) / 1_000_000;
      if (remaining <= 0) {
        break;
      }
      try {
        thread.join(remaining);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }

  /** Waits for its end without a limit; otherwise as {@link #join(long)}. */
  public boolean join() {
    return join(Long.MAX_VALUE);
  }

  /** True from {@link #start} until its body has ended. */
  public boolean isAlive() {
    return thread.isAlive();
  }

  /** True if the caller is this worker. */
  public boolean isCurrent() {
    return Thread.currentThread() == thread;
  }

  public String name() {
    return thread.getName();
  }

  @Override
  public String toString() {
    return thread.getName();
  }
}
