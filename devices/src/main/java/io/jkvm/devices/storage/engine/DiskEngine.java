// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.EventFd;
import java.io.IOException;

/**
 * Carries out the requests of one queue of a disk. The queue's thread acquires a request, fills it,
 * submits it, starts what it has submitted, takes what is completed, in any order, and releases it.
 * What is not said to be for any thread is for that one; between {@link #detach} and {@link
 * #attach} the thread may be replaced by another.
 *
 * <p>Never more requests are acquired than the engine has places for: no submission is refused.
 */
public interface DiskEngine extends AutoCloseable {
  /** What carries out what can't be done at once. */
  DiskEngines.Kind kind();

  /** How many requests may be under way at once; the indices of requests are below. */
  int capacity();

  /**
   * A thread begins to use the engine.
   *
   * @param wakeup is signalled when something is completed after {@link #mayNotSleep} said false
   */
  void attach(EventFd wakeup);

  /** The thread is through with the engine, and no request is under way. */
  void detach();

  /** A request to be filled; null if all are under way. */
  DiskRequest acquire();

  /** Gives a request back that is finished, or was not submitted. */
  void release(DiskRequest request);

  /** How many requests are acquired and not released. */
  int inFlight();

  /**
   * Takes a request into work. It may wait for {@link #start} to begin.
   *
   * @return true if it is finished already: {@link #complete} won't give it
   */
  boolean submit(DiskRequest request);

  /** Begins with all that was submitted. */
  void start();

  /** A request that is finished, well or with a failure; null if there is none now. */
  DiskRequest complete();

  /** Whether {@link #complete} may find something. */
  boolean hasCompleted();

  /**
   * To be called before the thread sleeps: completions are signalled from now on.
   *
   * @return true if something is completed by now, so that the thread must not sleep
   */
  boolean mayNotSleep();

  /** The thread is awake: nobody need wake it. */
  void awake();

  /**
   * Has all that was completed up to now on the medium when it returns, as a flush request has; for
   * the thread that closes the disk, after the queues' are through with it.
   *
   * @throws IOException if it is not, or a flush failed before, also another engine's of this disk
   */
  void flush() throws IOException;

  /** Releases requests that were submitted and have not begun: they never will. */
  void dropUnstarted();

  /**
   * Ends the engine's threads and gives back what it has of the host's; for any thread. No request
   * may be under way.
   */
  @Override
  void close();
}
