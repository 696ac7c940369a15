// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import java.nio.ByteBuffer;

/**
 * A bounded queue of copied frames, each with the time at which it is due, in memory allocated
 * once. Not for several threads at a time.
 */
final class FrameQueue {
  private final ByteBuffer bytes;
  private final long[] due;
  private final int[] lengths;
  private final int[] queuePairs;
  private final VnetHeader[] headers;
  private int first;
  private int count;
  private int firstByte;
  private int usedBytes;

  /**
   * An empty queue.
   *
   * @param maxFrames 1 or more
   * @param maxBytes the size of all frames together, 1 or more
   */
  FrameQueue(int maxFrames, int maxBytes) {
    bytes = ByteBuffer.allocateDirect(maxBytes);
    due = new long[maxFrames];
    lengths = new int[maxFrames];
    queuePairs = new int[maxFrames];
    headers = new VnetHeader[maxFrames];
    for (int i = 0; i < maxFrames; i++) {
      headers[i] = new VnetHeader();
    }
  }

  boolean isEmpty() {
    return count == 0;
  }

  /** Whether a frame of that many bytes can be added. */
  boolean hasRoom(int length) {
    return count < due.length && length <= bytes.capacity() - usedBytes;
  }

  /** Adds a copy of a frame for which there is room. */
  void add(int queuePair, Frame frame, long dueAt) {
    int place = (first + count) % due.length;
    int length = frame.length();
    int from = frame.bytes().readerIndex();
    int at = (int) (((long) firstByte + usedBytes) % bytes.capacity());
    int whole = Math.min(length, bytes.capacity() - at);
    bytes.put(at, frame.memory(), from, whole);
    bytes.put(0, frame.memory(), from + whole, length - whole);
    due[place] = dueAt;
    lengths[place] = length;
    queuePairs[place] = queuePair;
    headers[place].set(frame.header());
    usedBytes += length;
    count++;
  }

  /** When the first frame is due; there must be one. */
  long firstDue() {
    return due[first];
  }

  /** Takes out the first frame, which must be there; returns its queue pair. */
  int remove(Frame frame) {
    int length = lengths[first];
    int whole = Math.min(length, bytes.capacity() - firstByte);
    frame.reset();
    frame.memory().put(Frame.HEADROOM_BYTES, bytes, firstByte, whole);
    frame.memory().put(Frame.HEADROOM_BYTES + whole, bytes, 0, length - whole);
    frame.bytes().writerIndex(Frame.HEADROOM_BYTES + length);
    frame.header().set(headers[first]);
    int queuePair = queuePairs[first];
    firstByte = (firstByte + length) % bytes.capacity();
    usedBytes -= length;
    first = (first + 1) % due.length;
    count--;
    return queuePair;
  }
}
