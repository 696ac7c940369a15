// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.pcap;

import io.jkvm.devices.network.ForwardingBackend;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import java.io.IOException;

/**
 * Records the frames of another backend: those the guest sends, whether or not they can be
 * delivered, and those it receives, if it took them. Stamps say when a frame came here; a reply may
 * be in the file before what it answers, but never with an earlier stamp.
 */
public final class CapturingBackend extends ForwardingBackend {
  private final PcapWriter capture;

  /** Takes over both and closes them with itself. */
  public CapturingBackend(NetworkBackend inner, PcapWriter capture) {
    super(inner);
    this.capture = capture;
  }

  @Override
  public void start(NetworkCard card) throws IOException {
    super.start(new CapturedCard(card));
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    capture.record(frame, capture.now());
    return super.transmit(queuePair, frame);
  }

  @Override
  public void close() {
    super.close();
    capture.close();
  }

  private final class CapturedCard implements NetworkCard {
    private final NetworkCard card;

    CapturedCard(NetworkCard card) {
      this.card = card;
    }

    @Override
    public boolean receive(int queuePair, Frame frame) {
      long stamp = capture.now();
      boolean taken = card.receive(queuePair, frame);
      if (taken) {
        capture.record(frame, stamp);
      }
      return taken;
    }

    @Override
    public void awaitRoom(int queuePair, int timeoutMilliseconds) {
      card.awaitRoom(queuePair, timeoutMilliseconds);
    }

    @Override
    public void setLink(boolean up) {
      card.setLink(up);
    }
  }
}
