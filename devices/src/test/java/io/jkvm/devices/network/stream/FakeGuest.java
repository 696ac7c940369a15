// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.testing.TestFrames;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** As much of a guest's network as shows what is at the other end of its wire. */
public final class FakeGuest {
  public static final byte[] ADDRESS = {10, 0, 2, 15};
  public static final byte[] GATEWAY = {10, 0, 2, 2};

  private static final byte[] MAC = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
  private static final byte[] EVERYBODY = {-1, -1, -1, -1, -1, -1};
  private static final byte[] NOBODY = {0, 0, 0, 0};
  private static final int ETHERTYPE = 12;
  private static final int IP = 14;
  private static final int UDP = IP + 20;
  private static final int PAYLOAD = UDP + 8;
  private static final int WAIT_MILLISECONDS = 120_000;

  private final NetworkBackend backend;
  private final TestCard card;
  private byte[] gatewayMac = EVERYBODY;
  private int udpChecksum;

  public FakeGuest(NetworkBackend backend, TestCard card) {
    this.backend = backend;
    this.card = card;
  }

  /** Puts this into datagrams in place of 0, which means that there is none (RFC 768). */
  public void useUdpChecksum(int checksum) {
    udpChecksum = checksum;
  }

  private boolean send(ByteBuffer frame) {
    return backend.transmit(0, TestFrames.frame(frame.array()));
  }

  /** Asks for the gateway's Ethernet address (RFC 826); null if nobody answers. */
  public byte[] resolveGateway() throws InterruptedException {
    ByteBuffer frame = ByteBuffer.allocate(42);
    frame.put(EVERYBODY).put(MAC).putShort((short) 0x806);
    frame.putShort((short) 1).putShort((short) 0x800).put((byte) 6).put((byte) 4);
    frame.putShort((short) 1).put(MAC).put(ADDRESS).put(new byte[6]).put(GATEWAY);
    send(frame);
    for (byte[] got = poll(); got != null; got = poll()) {
      if (type(got) == 0x806 && got[21] == 2 && Arrays.equals(got, 28, 32, GATEWAY, 0, 4)) {
        gatewayMac = Arrays.copyOfRange(got, 22, 28);
        return gatewayMac;
      }
    }
    return null;
  }

  private byte[] poll() throws InterruptedException {
    return card.poll(WAIT_MILLISECONDS);
  }

  private static int type(byte[] frame) {
    return ByteBuffer.wrap(frame).getShort(ETHERTYPE) & 0xffff;
  }

  /** Asks for an address (RFC 2131); the message of the offer, or null. */
  public byte[] discover() throws InterruptedException {
    ByteBuffer message = ByteBuffer.allocate(300);
    message.put(new byte[] {1, 1, 6, 0}).putInt(0x1234).put(28, MAC);
    message.putInt(236, 0x63825363).put(240, new byte[] {53, 1, 1, (byte) 255});
    sendUdp(EVERYBODY, NOBODY, EVERYBODY, 68, 67, message.array());
    return receiveUdp(67, 68);
  }

  /** Sends a datagram to the gateway, that is, to the host's loopback. */
  public boolean sendUdp(int from, int to, byte[] payload) {
    return sendUdp(gatewayMac, ADDRESS, GATEWAY, from, to, payload);
  }

  private boolean sendUdp(
      byte[] mac, byte[] source, byte[] target, int from, int to, byte[] payload) {
    ByteBuffer frame = ByteBuffer.allocate(PAYLOAD + payload.length);
    frame.put(mac).put(MAC).putShort((short) 0x800);
    frame.put((byte) 0x45).put((byte) 0).putShort((short) (28 + payload.length));
    frame.putInt(0x00014000).put((byte) 64).put((byte) 17).putShort((short) 0);
    frame.put(source, 0, 4).put(target, 0, 4);
    int sum = 0;
    for (int i = IP; i < UDP; i += 2) {
      sum += frame.getShort(i) & 0xffff;
    }
    frame.putShort(IP + 10, (short) ~((sum & 0xffff) + (sum >>> 16)));
    frame.putShort((short) from).putShort((short) to).putShort((short) (8 + payload.length));
    frame.putShort((short) udpChecksum).put(payload);
    return send(frame);
  }

  /** The payload of the next datagram with these ports that comes; null if none does. */
  public byte[] receiveUdp(int from, int to) throws InterruptedException {
    for (byte[] got = poll(); got != null; got = poll()) {
      ByteBuffer frame = ByteBuffer.wrap(got);
      if (type(got) == 0x800
          && got[IP + 9] == 17
          && (frame.getShort(UDP) & 0xffff) == from
          && (frame.getShort(UDP + 2) & 0xffff) == to) {
        int end = UDP + (frame.getShort(UDP + 4) & 0xffff);
        return Arrays.copyOfRange(got, PAYLOAD, end);
      }
    }
    return null;
  }

  /** The payload of the next datagram to a port from anywhere, and where it came from. */
  public int receiveUdpSource(int to, byte[] payload) throws InterruptedException {
    for (byte[] got = poll(); got != null; got = poll()) {
      ByteBuffer frame = ByteBuffer.wrap(got);
      if (type(got) == 0x800
          && got[IP + 9] == 17
          && (frame.getShort(UDP + 2) & 0xffff) == to
          && Arrays.equals(got, PAYLOAD, PAYLOAD + payload.length, payload, 0, payload.length)) {
        return frame.getShort(UDP) & 0xffff;
      }
    }
    return -1;
  }

  /** Whether a connection request to a port of the guest comes. */
  public boolean receivesTcpTo(int port) throws InterruptedException {
    for (byte[] got = poll(); got != null; got = poll()) {
      if (type(got) == 0x800
          && got[IP + 9] == 6
          && (ByteBuffer.wrap(got).getShort(UDP + 2) & 0xffff) == port) {
        return true;
      }
    }
    return false;
  }
}
