// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.devices.network.frame.Frame;
import java.io.ByteArrayOutputStream;
import java.util.Random;

/** Frames with random content. */
public final class TestFrames {
  private TestFrames() {}

  static byte[] random(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  /** A length from the whole range, its ends and small ones more often. */
  static int length(Random random) {
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

  public static Frame frame(byte[] bytes) {
    Frame frame = new Frame();
    frame.bytes().writeBytes(bytes);
    return frame;
  }

  /** A frame as it is in the stream. */
  static void put(ByteArrayOutputStream stream, byte[] frame) {
    length(stream, frame.length);
    stream.writeBytes(frame);
  }

  static void length(ByteArrayOutputStream stream, int length) {
    stream.write(length >>> 24);
    stream.write(length >>> 16);
    stream.write(length >>> 8);
    stream.write(length);
  }
}
