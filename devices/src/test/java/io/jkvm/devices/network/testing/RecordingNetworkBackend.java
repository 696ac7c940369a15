// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.testing;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import java.io.IOException;
import java.util.OptionalInt;

/** A backend that keeps what is transmitted, and whose card a test can give frames to. */
public final class RecordingNetworkBackend implements NetworkBackend {
  /** What was transmitted, as if a card had received it. */
  public final RecordingCard transmitted;

  private final int offloads;
  private volatile NetworkCard card;
  private volatile int receiveOffloads = -1;
  private volatile boolean closed;
  private volatile IOException refusal;

  public RecordingNetworkBackend(int offloads) {
    this(offloads, new RecordingCard());
  }

  /** One that gives what is transmitted to this card. */
  public RecordingNetworkBackend(int offloads, RecordingCard transmitted) {
    this.transmitted = transmitted;
    this.offloads = offloads;
  }

  @Override
  public String name() {
    return "recording";
  }

  public void refuseStart(IOException why) {
    refusal = why;
  }

  @Override
  public void start(NetworkCard startedCard) throws IOException {
    if (refusal != null) {
      throw refusal;
    }
    card = startedCard;
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    if (card == null) {
      throw new IllegalStateException("not started");
    }
    return transmitted.receive(queuePair, frame);
  }

  @Override
  public int transmitOffloads() {
    return offloads;
  }

  @Override
  public void receiveOffloads(int mask) {
    receiveOffloads = mask;
  }

  @Override
  public int queuePairs() {
    return 3;
  }

  @Override
  public OptionalInt mtu() {
    return OptionalInt.of(1234);
  }

  @Override
  public void close() {
    closed = true;
    transmitted.setClosed();
  }

  public NetworkCard card() {
    return card;
  }

  public int receiveOffloads() {
    return receiveOffloads;
  }

  public boolean isClosed() {
    return closed;
  }
}
