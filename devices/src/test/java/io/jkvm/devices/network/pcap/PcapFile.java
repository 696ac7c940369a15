// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.pcap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads a capture strictly: anything but whole records is an error. */
final class PcapFile {
  record Packet(long nanos, int length, byte[] bytes) {}

  private PcapFile() {}

  static List<Packet> read(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    expect(0xa1b23c4dL, Integer.toUnsignedLong(in.getInt()));
    expect(2, in.getShort());
    expect(4, in.getShort());
    expect(0, in.getLong());
    expect(65553, in.getInt());
    expect(1, in.getInt());
    List<Packet> packets = new ArrayList<>();
    while (in.hasRemaining()) {
      long seconds = Integer.toUnsignedLong(in.getInt());
      int nanos = in.getInt();
      if (nanos < 0 || nanos >= 1_000_000_000) {
        throw new IOException("nanoseconds " + nanos);
      }
      byte[] bytes = new byte[in.getInt()];
      int length = in.getInt();
      in.get(bytes);
      packets.add(new Packet(seconds * 1_000_000_000L + nanos, length, bytes));
    }
    return packets;
  }

  private static void expect(long expected, long actual) throws IOException {
    if (expected != actual) {
      throw new IOException("expected " + expected + " but is " + actual);
    }
  }
}
