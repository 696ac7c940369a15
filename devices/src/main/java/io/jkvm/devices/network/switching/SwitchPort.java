// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.switching;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** A card's connection to an {@link EthernetSwitch}. */
final class SwitchPort implements NetworkBackend {
  // What any receiving card can do itself if its guest does not.
  private static final int OFFLOADS = Offload.SOFTWARE;
  private static final int CLOSED = 0x80000000;

  /** How many addresses of the table lead here; guarded by the table. */
  int learned;

  private final EthernetSwitch network;
  private final int queuePairs;
  // How many threads are in the card, and CLOSED once no more may enter it.
  private final AtomicInteger users = new AtomicInteger();
  private volatile NetworkCard card;

  SwitchPort(EthernetSwitch network, int queuePairs) {
    this.network = network;
    this.queuePairs = queuePairs;
  }

  @Override
  public String name() {
    return network.name();
  }

  @Override
  public void start(NetworkCard startedCard) throws IOException {
    if (!isOpen()) {
      throw new IOException("switch " + name() + ": port is closed: ask for a new port");
    }
    card = startedCard;
    network.join(this);
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return card != null && isOpen() && network.forward(this, queuePair, frame);
  }

  @Override
  public int transmitOffloads() {
    return OFFLOADS;
  }

  @Override
  public int queuePairs() {
    return queuePairs;
  }

  /**
   * Takes the port out of the switch. No thread is in the card's receive when this returns, so it
   * must not be called from there.
   */
  @Override
  public void close() {
    users.getAndUpdate(count -> count | CLOSED);
    network.leave(this);
    while (users.get() != CLOSED) {
      LockSupport.parkNanos(20_000);
    }
  }

  boolean isOpen() {
    return (users.get() & CLOSED) == 0;
  }

  /** Gives the card a frame unless the port is closed; false if it was not taken. */
  boolean deliver(int queuePair, Frame frame) {
    if ((users.getAndIncrement() & CLOSED) != 0) {
      users.getAndDecrement();
      return false;
    }
    try {
      return card.receive(queuePair % queuePairs, frame);
    } finally {
      users.getAndDecrement();
    }
  }
}
