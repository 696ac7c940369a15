// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Puts the agent's frames together from bytes that come in any pieces, and keeps one frame at most.
 * For one thread at a time.
 */
final class FrameReader {
  /** Takes a frame. */
  interface Handler {
    /**
     * A frame.
     *
     * @param payload little-endian, its bytes from position to limit; of no use after the return
     * @throws AgentException if it must not come
     */
    void frame(int type, int stream, int task, ByteBuffer payload) throws AgentException;
  }

  private final Handler handler;
  private final ByteBuffer frame =
      ByteBuffer.allocate(Frame.HEADER_BYTES + Frame.MAX_PAYLOAD_BYTES)
          .order(ByteOrder.LITTLE_ENDIAN);

  FrameReader(Handler handler) {
    this.handler = handler;
    frame.limit(Frame.HEADER_BYTES);
  }

  /**
   * Takes all bytes there are.
   *
   * @throws AgentException at the first one that can't be right; no more may follow
   */
  void accept(ByteBuffer bytes) throws AgentException {
    while (bytes.hasRemaining()) {
      int part = Math.min(bytes.remaining(), frame.remaining());
      frame.put(frame.position(), bytes, bytes.position(), part);
      frame.position(frame.position() + part);
      bytes.position(bytes.position() + part);
      if (frame.position() == Frame.HEADER_BYTES && frame.limit() == Frame.HEADER_BYTES) {
        frame.limit(Frame.HEADER_BYTES + payloadBytes());
      }
      if (!frame.hasRemaining()) {
        deliver();
      }
    }
  }

  private int payloadBytes() throws AgentException {
    long length = Integer.toUnsignedLong(frame.getInt(0));
    if (length > Frame.MAX_PAYLOAD_BYTES) {
      throw new AgentException("the guest's agent sent a frame of " + length + " bytes");
    }
    return (int) length;
  }

  private void deliver() throws AgentException {
    frame.flip();
    int type = Byte.toUnsignedInt(frame.get(4));
    int stream = Byte.toUnsignedInt(frame.get(5));
    int task = Short.toUnsignedInt(frame.getShort(6));
    frame.position(Frame.HEADER_BYTES);
    handler.frame(type, stream, task, frame);
    frame.clear().limit(Frame.HEADER_BYTES);
  }
}
