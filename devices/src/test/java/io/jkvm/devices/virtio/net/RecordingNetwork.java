// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** A network that keeps what the guest sends, and takes as much as a test says. */
final class RecordingNetwork implements NetworkBackend {
  /** A frame as it came out of the card. */
  record Sent(int queuePair, byte[] bytes, VnetHeader header) {}

  private final int offloads;
  private final int pairs;
  private final OptionalInt mtu;
  private final List<Sent> sent = new ArrayList<>();
  private volatile int receiveOffloads;
  private volatile boolean keep = true;
  private volatile boolean broken;
  private volatile long count;

  RecordingNetwork(int offloads, int pairs, OptionalInt mtu) {
    this.offloads = offloads;
    this.pairs = pairs;
    this.mtu = mtu;
  }

  RecordingNetwork() {
    this(0, 1, OptionalInt.empty());
  }

  @Override
  public String name() {
    return "recorded";
  }

  @Override
  public void start(NetworkCard card) {}

  @Override
  public int transmitOffloads() {
    return offloads;
  }

  @Override
  public void receiveOffloads(int mask) {
    receiveOffloads = mask;
  }

  int receiveOffloads() {
    return receiveOffloads;
  }

  @Override
  public int queuePairs() {
    return pairs;
  }

  @Override
  public OptionalInt mtu() {
    return mtu;
  }

  /** From now on frames are only counted. */
  void countOnly() {
    keep = false;
  }

  /** Whether from now on every frame meets a mistake in here. */
  void breakDown(boolean on) {
    broken = on;
  }

  @Override
  public synchronized boolean transmit(int queuePair, Frame frame) {
    if (broken) {
      throw new IllegalStateException("broken by the test");
    }
    count++;
    if (keep) {
      byte[] bytes = new byte[frame.length()];
      frame.bytes().getBytes(frame.bytes().readerIndex(), bytes);
      VnetHeader header = new VnetHeader();
      header.set(frame.header());
      sent.add(new Sent(queuePair, bytes, header));
    }
    return true;
  }

  long count() {
    return count;
  }

  synchronized List<Sent> sent() {
    return List.copyOf(sent);
  }

  @Override
  public void close() {}
}
