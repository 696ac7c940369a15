// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Sends frames to the agent, whole and one after the other. For any thread. */
final class FrameSender {
  private static final int WAIT_MILLISECONDS = 500;

  private final AgentChannel channel;
  private final ByteBuffer frame =
      ByteBuffer.allocateDirect(Frame.HEADER_BYTES + Frame.MAX_PAYLOAD_BYTES)
          .order(ByteOrder.LITTLE_ENDIAN);
  private volatile String closed;

  FrameSender(AgentChannel channel) {
    this.channel = channel;
  }

  /** Nothing is sent any more; who waits for room gets this message. */
  void close(String why) {
    closed = why;
  }

  /** A frame without a stream. */
  void send(int type, int task, byte[] payload) throws AgentException {
    send(type, 0, task, payload, 0, payload.length);
  }

  /**
   * Waits until the guest has taken all of the frame.
   *
   * @throws AgentException if the channel is or gets closed
   */
  synchronized void send(int type, int stream, int task, byte[] payload, int from, int length)
      throws AgentException {
    frame.clear();
    frame.putInt(length).put((byte) type).put((byte) stream).putShort((short) task);
    frame.put(payload, from, length).flip();
    boolean interrupted = false; // half a frame can't be taken back
    try {
      while (true) {
        String why = closed;
        if (why != null) {
          throw new AgentException(why);
        }
        channel.offer(frame);
        if (!frame.hasRemaining()) {
          return;
        }
        interrupted |= Thread.interrupted();
        channel.awaitRoom(WAIT_MILLISECONDS);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  static byte[] u32(long... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      bytes.putInt((int) value);
    }
    return bytes.array();
  }
}
