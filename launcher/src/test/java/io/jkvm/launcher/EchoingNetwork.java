// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.atomic.AtomicInteger;

/** Sends back the frames of the benchmark's guest that ask for it, and counts all. */
final class EchoingNetwork implements NetworkBackend {
  private static final int ECHO_AT = 14;

  private final AtomicInteger frames = new AtomicInteger();
  private final Frame reply = new Frame();
  private NetworkCard card;

  int frames() {
    return frames.get();
  }

  @Override
  public String name() {
    return "echoing";
  }

  @Override
  public void start(NetworkCard guest) {
    card = guest;
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    ByteBuf in = frame.bytes().slice();
    frames.incrementAndGet();
    if (in.getByte(ECHO_AT) != 1) {
      return true;
    }
    reply.set(frame);
    reply.bytes().slice().setBytes(0, in, 6, 6).setBytes(6, in, 0, 6);
    return card.receive(0, reply);
  }

  @Override
  public void close() {}
}
