// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.testing;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import io.netty.buffer.ByteBuf;

/** Describes a TCP frame to be cut and builds it as a driver would give it. */
public final class TcpFrame {
  public boolean ipv6;
  public int tags;
  public int ipExtra;
  public int tcpOptions;
  public int flags = 0x10;
  public int payload = 5000;
  public int gsoSize = 1448;
  public int seed;
  public boolean ecn;

  public int ip() {
    return 14 + 4 * tags;
  }

  public int tcp() {
    return ip() + (ipv6 ? 40 : 20) + ipExtra;
  }

  public int headers() {
    return tcp() + 20 + tcpOptions;
  }

  public byte payloadByte(int index) {
    return (byte) (index * 31 + (index >>> 8) * 7 + seed);
  }

  public Frame build() {
    Frame frame = new Frame(headers() + payload);
    ByteBuf out = frame.bytes();
    out.writeInt(0x02000000).writeShort(2).writeInt(0x02000000).writeShort(1);
    for (int i = 0; i < tags; i++) {
      out.writeShort(0x8100).writeShort(7 + i);
    }
    if (ipv6) {
      out.writeShort(0x86dd).writeInt(0x60000000).writeShort(ipExtra + 20 + tcpOptions + payload);
      out.writeByte(ipExtra > 0 ? 60 : 6).writeByte(64);
      out.writeLong(0xfd09L << 48).writeLong(1).writeLong(0xfd09L << 48).writeLong(seed);
      if (ipExtra > 0) {
        out.writeByte(6).writeByte(ipExtra / 8 - 1).writeZero(ipExtra - 2);
      }
    } else {
      int total = 20 + ipExtra + 20 + tcpOptions + payload;
      out.writeShort(0x0800).writeByte(0x45 + ipExtra / 4).writeByte(0).writeShort(total);
      out.writeShort(0xfffe).writeShort(0x4000).writeByte(64).writeByte(6).writeShort(0xdead);
      out.writeInt(0x0a090801).writeInt(0x0a090800 + seed).writeZero(ipExtra);
    }
    out.writeShort(1234).writeShort(80).writeInt(0xfffffff0).writeInt(77);
    out.writeByte((5 + tcpOptions / 4) << 4).writeByte(flags).writeShort(512);
    out.writeShort(0xbeef).writeShort(0).writeZero(tcpOptions);
    for (int i = 0; i < payload; i++) {
      out.writeByte(payloadByte(i));
    }
    frame.header().needChecksum(tcp(), 16);
    int type = ipv6 ? VnetHeader.GSO_TCPV6 : VnetHeader.GSO_TCPV4;
    frame.header().segment(ecn ? type | VnetHeader.GSO_ECN : type, headers(), gsoSize);
    return frame;
  }
}
