// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.testing;

import io.jkvm.devices.network.frame.Frame;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;

/** Frames for tests, and a checker that shares nothing with the code under test. */
public final class TestFrames {
  /** Made and finished by Linux 6.x, read from a tap device. */
  public static final String UDP4 =
      "020000000002020000000001080045000021f7b6400040111f010a0908010a090802b3030007000de4e268656c6c6f";

  public static final String UDP6 =
      "02000000000202000000000186dd600b744000121140fd090000000000000000000000000001fd09000000000000"
          + "0000000000000002a5fd0007001291c568656c6c6f2c20736978";
  public static final String TCP4 =
      "02000000000202000000000108004500003cf760400040061f470a0908010a090802d4bc005062ad9f1b00000000"
          + "a002faf011160000020405b40402080a8803b908000000000103030a";
  public static final String TCP6 =
      "02000000000202000000000186dd600c0c9600280640fd090000000000000000000000000001fd09000000000000"
          + "0000000000000002af520050e7c8756500000000a002fd20505d0000020405a00402080a74777f34000000000103"
          + "030a";

  private TestFrames() {}

  /** A frame without room to spare, so that reading on behind it throws. */
  public static Frame of(byte[] bytes) {
    Frame frame = new Frame(Math.max(1, bytes.length));
    frame.bytes().writeBytes(bytes);
    return frame;
  }

  public static Frame hex(String hex) {
    return of(HexFormat.of().parseHex(hex));
  }

  public static byte[] bytes(Frame frame) {
    byte[] bytes = new byte[frame.length()];
    frame.bytes().getBytes(frame.bytes().readerIndex(), bytes);
    return bytes;
  }

  /** An Ethernet frame of a type no parser knows, with a number in the payload. */
  public static Frame numbered(int destination, int source, int number, int length) {
    Frame frame = new Frame(length);
    frame.bytes().writeInt(0x02000000).writeShort(destination);
    frame.bytes().writeInt(0x02000000).writeShort(source);
    frame.bytes().writeShort(0x88b5).writeInt(number).writeZero(length - 18);
    return frame;
  }

  public static int number(Frame frame) {
    return frame.bytes().getInt(frame.bytes().readerIndex() + 14);
  }

  public static int u16(byte[] bytes, int at) {
    return (bytes[at] & 0xff) * 256 + (bytes[at + 1] & 0xff);
  }

  /** The word by word sum of RFC 1071. */
  public static int slowSum(byte[] bytes) {
    int sum = 0;
    for (int i = 0; i < bytes.length; i++) {
      sum += i % 2 == 0 ? (bytes[i] & 0xff) * 256 : bytes[i] & 0xff;
      if (sum > 0xffff) {
        sum -= 0xffff;
      }
    }
    return sum;
  }

  /** Whether the transport checksum of a frame verifies; offsets as known to the test. */
  public static boolean verifies(byte[] frame, int ip, int transport, int protocol) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    if (frame[ip] >>> 4 == 4) {
      all.write(frame, ip + 12, 8);
    } else {
      all.write(frame, ip + 8, 32);
    }
    int length = frame.length - transport;
    all.writeBytes(new byte[] {0, (byte) protocol, (byte) (length >>> 8), (byte) length});
    all.write(frame, transport, length);
    return slowSum(all.toByteArray()) == 0xffff;
  }

  public static byte[] slice(byte[] bytes, int from, int length) {
    return Arrays.copyOfRange(bytes, from, from + length);
  }

  /** Random content. */
  public static byte[] random(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  /** A length from the whole range, its ends and small ones more often. */
  public static int length(Random random) {
    switch (random.nextInt(8)) {
      case 0:
        return Frame.MIN_BYTES;
      case 1:
        return Frame.MAX_BYTES;
      case 2:
        return Frame.MIN_BYTES + random.nextInt(Frame.MAX_BYTES - Frame.MIN_BYTES + 1);
      default:
        return Frame.MIN_BYTES + random.nextInt(1501);
    }
  }

  /** A frame in a buffer of the usual size. */
  public static Frame frame(byte[] bytes) {
    Frame frame = new Frame();
    frame.bytes().writeBytes(bytes);
    return frame;
  }

  /** A frame as it is in the stream. */
  public static void put(ByteArrayOutputStream stream, byte[] frame) {
    length(stream, frame.length);
    stream.writeBytes(frame);
  }

  /** The length that goes before a frame in a stream. */
  public static void length(ByteArrayOutputStream stream, int length) {
    stream.write(length >>> 24);
    stream.write(length >>> 16);
    stream.write(length >>> 8);
    stream.write(length);
  }
}
