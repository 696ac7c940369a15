// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import java.util.function.Consumer;

/** A peer that connected to us, until it goes. */
final class AcceptedConnection implements NetworkBackend {
  private final String name;
  private final FrameStream stream;
  private final Consumer<String> whenGone;
  private NetworkCard card;
  private WorkerThread thread;

  /**
   * Not receiving yet.
   *
   * @param patience for sending, common to all peers
   * @param memory this peer's until it is closed
   * @param whenGone is given the reason by the receiving thread, and may close this then
   */
  AcceptedConnection(
      String name,
      UnixSocket socket,
      WaitBudget patience,
      PeerMemory memory,
      Consumer<String> whenGone) {
    this.name = name;
    this.whenGone = whenGone;
    stream = new FrameStream(socket, patience, memory);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void start(NetworkCard newCard) {
    card = newCard;
  }

  /** Receives from now on: after the start, when whoever learns of the end is ready for it. */
  synchronized void receive() {
    thread = new WorkerThread(name + " receive", this::run).start();
  }

  private void run() {
    String reason = "is given up";
    try {
      reason = stream.receiveAll(card);
    } finally {
      whenGone.accept(reason);
    }
  }

  boolean isPeerBroken() {
    return stream.isPeerBroken();
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return stream.transmit(frame);
  }

  private synchronized WorkerThread thread() {
    return thread;
  }

  @Override
  public void close() {
    stream.stop();
    WorkerThread receiving = thread();
    if (receiving != null) {
      receiving.join(); // returns at once where that thread closes
    }
    stream.close();
  }
}
