// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.netty.buffer.ByteBuf;

/** A network with everyone on it: answers ARP requests and pings for every address. */
final class AnsweringNetwork implements NetworkBackend {
  private static final byte[] MAC = {2, 0, 0, 0, 0, 1};
  private final Frame reply = new Frame();
  private NetworkCard card;

  @Override
  public String name() {
    return "answering";
  }

  @Override
  public void start(NetworkCard guest) {
    card = guest;
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    ByteBuf in = frame.bytes().slice();
    reply.set(frame);
    ByteBuf out = reply.bytes().slice();
    out.setBytes(0, in, 6, 6).setBytes(6, MAC); // back to where it came from
    boolean whole = in.readableBytes() >= 42;
    if (whole && in.getShort(12) == 0x0806 && in.getShort(20) == 1) { // an ARP request
      out.setShort(20, 2).setBytes(22, MAC).setBytes(28, in, 38, 4).setBytes(32, in, 22, 10);
    } else if (whole
        && in.getMedium(12) == 0x080045
        && in.getByte(23) == 1
        && in.getByte(34) == 8) {
      out.setBytes(26, in, 30, 4).setBytes(30, in, 26, 4).setByte(34, 0);
      int sum = in.getUnsignedShort(36) + 0x0800; // by so much the type, now 0, is less
      out.setShort(36, sum + (sum >>> 16));
    } else {
      return true;
    }
    return card.receive(0, reply);
  }

  @Override
  public void close() {}
}
