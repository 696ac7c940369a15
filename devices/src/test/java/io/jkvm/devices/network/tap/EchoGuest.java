// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * A guest without a kernel: answers ARP for every address but its host's, ICMP echo, and UDP with
 * what came. Answers swap addresses and ports, which leaves all checksums right.
 */
class EchoGuest implements NetworkCard {
  private static final int ETHERTYPE = 12;
  private static final int ARP = 0x0806;
  private static final int IPV4 = 0x0800;
  private static final int IP = 14;
  private static final long MAC = 0x02_00_00_00_00_55L;

  final AtomicInteger pings = new AtomicInteger();
  final AtomicInteger datagrams = new AtomicInteger();
  final AtomicInteger refused = new AtomicInteger();
  final AtomicInteger linkDown = new AtomicInteger();
  final AtomicIntegerArray perQueue = new AtomicIntegerArray(TapBackend.MAX_QUEUES);

  private final NetworkBackend backend;
  private final Frame[] replies = new Frame[TapBackend.MAX_QUEUES];

  EchoGuest(NetworkBackend backend) {
    this.backend = backend;
    for (int i = 0; i < backend.queuePairs(); i++) {
      replies[i] = new Frame();
    }
  }

  @Override
  public boolean receive(int queuePair, Frame frame) {
    perQueue.incrementAndGet(queuePair);
    Frame reply = replies[queuePair];
    reply.set(frame);
    ByteBuf bytes = reply.bytes();
    int start = bytes.readerIndex();
    bytes.setBytes(start, frame.bytes(), frame.bytes().readerIndex() + 6, 6);
    setMac(bytes, start + 6);
    boolean answered =
        switch (bytes.getUnsignedShort(start + ETHERTYPE)) {
          case ARP -> answerArp(bytes, start + IP);
          case IPV4 -> answerIp(bytes, start + IP);
          default -> false;
        };
    if (answered && !backend.transmit(queuePair, reply)) {
      refused.incrementAndGet();
    }
    return true;
  }

  private static void setMac(ByteBuf bytes, int index) {
    bytes.setShort(index, (int) (MAC >>> 32)).setInt(index + 2, (int) MAC);
  }

  private boolean answerArp(ByteBuf bytes, int arp) {
    int sender = bytes.getInt(arp + 14);
    int target = bytes.getInt(arp + 24);
    if (bytes.getShort(arp + 6) != 1 || sender == target) {
      return false;
    }
    bytes.setShort(arp + 6, 2);
    bytes.setBytes(arp + 18, bytes, arp + 8, 10);
    setMac(bytes, arp + 8);
    bytes.setInt(arp + 14, target);
    return true;
  }

  private boolean answerIp(ByteBuf bytes, int ip) {
    swapInts(bytes, ip + 12, ip + 16);
    int payload = ip + (bytes.getByte(ip) & 15) * 4;
    boolean fragment = (bytes.getShort(ip + 6) & 0x1fff) != 0;
    switch (bytes.getByte(ip + 9)) {
      case 1:
        if (bytes.getByte(payload) != 8) {
          return false;
        }
        pings.incrementAndGet();
        bytes.setByte(payload, 0);
        int sum = bytes.getUnsignedShort(payload + 2) + 0x0800;
        bytes.setShort(payload + 2, sum + (sum >>> 16));
        return true;
      case 17:
        if (!fragment) {
          datagrams.incrementAndGet();
          int ports = bytes.getInt(payload);
          bytes.setInt(payload, Integer.rotateLeft(ports, 16));
        }
        return true;
      default:
        return false;
    }
  }

  private static void swapInts(ByteBuf bytes, int a, int b) {
    int kept = bytes.getInt(a);
    bytes.setInt(a, bytes.getInt(b)).setInt(b, kept);
  }

  @Override
  public void awaitRoom(int queuePair, int timeoutMilliseconds) {
    throw new AssertionError("this guest always has room");
  }

  @Override
  public void setLink(boolean up) {
    if (!up) {
      linkDown.incrementAndGet();
    }
  }
}
