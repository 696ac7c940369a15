// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

/**
 * Whatever serves one active queue, from DRIVER_OK to the next reset: a thread of its own, or those
 * of the host that bring something for the guest.
 *
 * <p>To pause and to stop take two steps, one that asks and one that waits, so that all queues of a
 * device are asked first and share one time limit. Requests may come in any order and any number of
 * times, before {@link #start} too; a stop is final and ends a pause. While a service is paused or
 * stopped it touches neither guest RAM nor interrupts. For any thread.
 */
public interface QueueService {
  /** Begins to serve, or to be paused if that was asked for; called once. */
  void start();

  /** Asks for rest after the request that is being served. */
  void requestPause();

  /**
   * Waits until a pause asked for is reached, or the service has ended.
   *
   * @param milliseconds how long at most; 0 or less only looks
   * @return false if the service still is at work
   */
  boolean awaitPaused(long milliseconds);

  /** Ends a pause, or takes the wish for one back. The queue is looked at, notified or not. */
  void resume();

  /** Asks for the end after the request that is being served. */
  void requestStop();

  /**
   * Waits for the end.
   *
   * @param milliseconds how long at most; 0 or less only looks
   * @return true if no thread uses the rings and the notifications any more
   */
  boolean awaitStopped(long milliseconds);
}
