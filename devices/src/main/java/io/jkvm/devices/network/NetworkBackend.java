// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.frame.VnetHeader;
import java.io.IOException;
import java.util.OptionalInt;

/**
 * Where a guest's frames go to and come from: the outside of one network card. To be complete it
 * needs a name, a card to give frames to, and something to do with those it gets.
 */
public interface NetworkBackend extends AutoCloseable {
  /** The most queue pairs that a network and a card may have. */
  int MAX_QUEUE_PAIRS = 16;

  /** A short name for logs and threads, for example {@code tap0}. */
  String name();

  /**
   * The card is ready: from now on frames may be given to it. Called once, before any other call
   * but those that ask for a property.
   *
   * @throws IOException one line saying what is wrong and what to do
   */
  void start(NetworkCard card) throws IOException;

  /**
   * Sends a frame from the guest. Calls for one queue pair come one at a time, for different ones
   * at the same time. Must not block: for a fifth of a second at most, then the frame is dropped.
   *
   * @param queuePair from 0, less than {@link #queuePairs}
   * @param frame may be used during the call only; its header asks for nothing beyond {@link
   *     #transmitOffloads}; the headroom may be overwritten, the rest not
   * @return false if the frame was dropped
   */
  boolean transmit(int queuePair, Frame frame);

  /** Whether {@link #transmitInPlace} may be called, for large frames, in place of transmit. */
  default boolean transmitsInPlace() {
    return false;
  }

  /**
   * The same as {@link #transmit} for a frame that was left where the guest has it, to save a copy.
   * The guest may change it at any time: what is looked at must be copied first.
   *
   * @param header what is left to do, checked and out of the guest's reach
   * @param frame its bytes in order, {@link Frame#MIN_BYTES} to {@link Frame#MAX_BYTES} in at most
   *     {@link Frame#MAX_RANGES} places; may be used during the call only
   */
  default boolean transmitInPlace(int queuePair, VnetHeader header, IoVector frame) {
    throw new UnsupportedOperationException();
  }

  /** The {@link Offload}s that {@link #transmit} takes. The card does the rest before. */
  default int transmitOffloads() {
    return Offload.NONE;
  }

  /** The {@link Offload}s that the guest takes from now on. The card does what it does not. */
  default void receiveOffloads(int offloads) {}

  /** How many pairs of queues can be served at the same time, 1 to {@link #MAX_QUEUE_PAIRS}. */
  default int queuePairs() {
    return 1;
  }

  /** The largest IP packet that fits the network, in bytes, if there is such a limit. */
  default OptionalInt mtu() {
    return OptionalInt.empty();
  }

  /**
   * Ends all threads and gives everything back; nothing is given to the card after that. What is
   * transmitted later is dropped; closing again does nothing.
   */
  @Override
  void close();
}
