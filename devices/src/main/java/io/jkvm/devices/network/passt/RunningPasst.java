// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import io.jkvm.devices.network.ForwardingBackend;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.stream.StreamBackend;
import java.util.OptionalInt;

/** The network of a passt(1) that somebody else started, with its offloads and limits. */
public final class RunningPasst extends ForwardingBackend {
  /**
   * Not connected yet.
   *
   * @param name for logs and threads
   * @param path the file of passt's socket
   */
  public RunningPasst(String name, String path) {
    super(new StreamBackend(name, path));
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return frame.length() <= PasstBackend.MAX_FRAME_BYTES && super.transmit(queuePair, frame);
  }

  @Override
  public int transmitOffloads() {
    return PasstBackend.OFFLOADS;
  }

  @Override
  public OptionalInt mtu() {
    return OptionalInt.of(PasstBackend.MTU_BYTES);
  }
}
