// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import java.io.IOException;
import java.util.OptionalInt;

/** Passes everything on to another backend; base of those that add something to it. */
public abstract class ForwardingBackend implements NetworkBackend {
  private final NetworkBackend inner;

  /** Takes over another backend, which is not started yet, and closes it with itself. */
  protected ForwardingBackend(NetworkBackend inner) {
    this.inner = inner;
  }

  @Override
  public String name() {
    return inner.name();
  }

  @Override
  public void start(NetworkCard card) throws IOException {
    inner.start(card);
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return inner.transmit(queuePair, frame);
  }

  /** False: what such a backend adds it adds to frames that are out of the guest's reach. */
  @Override
  public final boolean transmitsInPlace() {
    return false;
  }

  @Override
  public final boolean transmitInPlace(int queuePair, VnetHeader header, IoVector frame) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int transmitOffloads() {
    return inner.transmitOffloads();
  }

  @Override
  public void receiveOffloads(int offloads) {
    inner.receiveOffloads(offloads);
  }

  @Override
  public int queuePairs() {
    return inner.queuePairs();
  }

  @Override
  public OptionalInt mtu() {
    return inner.mtu();
  }

  @Override
  public void close() {
    inner.close();
  }
}
