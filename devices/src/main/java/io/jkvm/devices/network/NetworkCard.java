// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network;

import io.jkvm.devices.network.frame.Frame;

/**
 * The guest's side of a network, as a {@link NetworkBackend} sees it. May be used by any thread.
 */
public interface NetworkCard {
  /**
   * Gives the guest a frame. Never blocks. A frame that is not for this guest, or that nobody
   * receives yet, is dropped and counted as taken.
   *
   * @param queuePair the backend's queue that it came by, from 0
   * @param frame is used during the call only; the headroom may be overwritten, the rest is not
   * @return false if the guest's queue is full: the frame is dropped, unless the caller has a
   *     bounded place to keep it and tries again after {@link #awaitRoom}
   */
  boolean receive(int queuePair, Frame frame);

  /**
   * Waits until the guest may have made room; one thread at a time for a queue pair.
   *
   * @param timeoutMilliseconds how long at most
   */
  void awaitRoom(int queuePair, int timeoutMilliseconds);

  /** The link is up (the state at first) or down; the guest is told of a change. */
  void setLink(boolean up);
}
