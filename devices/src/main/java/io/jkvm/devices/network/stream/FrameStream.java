// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import java.nio.ByteBuffer;

/**
 * Frames over a connected stream socket, each after its length in 4 bytes, big-endian: what QEMU's
 * {@code -netdev stream} and passt speak. One thread receives, one at a time transmits, any may
 * close.
 */
final class FrameStream implements AutoCloseable {
  private static final int LENGTH_BYTES = 4;
  static final int LARGEST = LENGTH_BYTES + Frame.MAX_BYTES;
  private static final int SOCKET_BUFFER_BYTES = 1 << 20;
  private static final int SEND_MILLISECONDS = 200;
  private static final int ROOM_MILLISECONDS = 100;

  private final UnixSocket socket;
  private final WaitBudget patience;
  private final Object sending = new Object();
  private final Frame chunk;
  private final NativeMemory pending;
  private int pendingStart;
  private int pendingEnd;

  /** The peer took nothing for the whole waiting time; until it does nobody waits again. */
  private boolean congested;

  /** When the frame being sent is given up, as of System.nanoTime; 0 until it has to wait. */
  private long deadline;

  private volatile boolean closing;
  private volatile boolean brokenPeer;

  /** On a connected socket, which this object closes. */
  FrameStream(UnixSocket socket) {
    this(socket, new WaitBudget(Integer.MAX_VALUE), new PeerMemory());
  }

  /**
   * One of several that send the same frames one after the other.
   *
   * @param patience what they have together
   * @param memory this one's, until {@link #close} has returned
   */
  FrameStream(UnixSocket socket, WaitBudget patience, PeerMemory memory) {
    this.socket = socket;
    this.patience = patience;
    chunk = memory.chunk();
    pending = memory.pending();
    socket.bufferBytes(SOCKET_BUFFER_BYTES);
  }

  /**
   * Gives the card every frame that comes, until there are no more. While the card has no room
   * nothing is read, so a sender that is too fast has to wait.
   *
   * @return why there are no more, to go after "the peer"
   */
  String receiveAll(NetworkCard card) {
    int start = Frame.HEADROOM_BYTES;
    int end = start;
    ByteBuffer memory = chunk.memory();
    int capacity = memory.capacity();
    while (!closing) {
      if (start == end || capacity - start < LARGEST) {
        memory.put(Frame.HEADROOM_BYTES, memory, start, end - start);
        end += Frame.HEADROOM_BYTES - start;
        start = Frame.HEADROOM_BYTES;
      }
      long received = socket.receive(chunk.address() + end, capacity - end);
      if (received <= 0) {
        return received == 0 ? "closed the connection" : "is gone: " + Errno.name((int) -received);
      }
      end += (int) received;
      while (end - start >= LENGTH_BYTES) {
        long length = Integer.toUnsignedLong(chunk.bytes().getInt(start));
        if (length > Frame.MAX_BYTES) {
          brokenPeer = true;
          return "sent a frame of "
              + length
              + " bytes, which cannot be; is it QEMU's stream format?";
        }
        int next = start + LENGTH_BYTES + (int) length;
        if (next > end) {
          break;
        }
        if (length >= Frame.MIN_BYTES) {
          deliver(card, start + LENGTH_BYTES, next);
        }
        start = next;
      }
    }
    return "was disconnected";
  }

  /** The bytes before the frame were delivered before, so they may be overwritten as headroom. */
  private void deliver(NetworkCard card, int start, int end) {
    chunk.header().clear();
    chunk.bytes().setIndex(start, end);
    while (!closing && !card.receive(0, chunk)) {
      card.awaitRoom(0, ROOM_MILLISECONDS);
    }
  }

  /**
   * Sends a frame. When the peer does not take it within a fifth of a second, or the patience that
   * is left, it is dropped; what is left of one begun goes before the next.
   *
   * @return false if the frame was dropped
   */
  boolean transmit(Frame frame) {
    int length = frame.length();
    if (length > Frame.MAX_BYTES) {
      return false;
    }
    synchronized (sending) {
      deadline = 0;
      if (closing || !sendPending()) {
        return false;
      }
      int start = frame.bytes().readerIndex() - LENGTH_BYTES;
      frame.bytes().setInt(start, length);
      int size = LENGTH_BYTES + length;
      int sent = send(frame.address() + start, size);
      if (sent > 0 && sent < size) {
        pending.buffer().put(0, frame.memory(), start + sent, size - sent);
        pendingStart = 0;
        pendingEnd = size - sent;
      }
      return sent > 0;
    }
  }

  private boolean sendPending() {
    if (pendingStart < pendingEnd) {
      pendingStart += send(pending.address() + pendingStart, pendingEnd - pendingStart);
    }
    return pendingStart == pendingEnd;
  }

  /** Sends as much as the peer takes in the time it is given; returns how much. */
  private int send(long address, int size) {
    int sent = 0;
    while (sent < size && !closing) {
      long result = socket.send(address + sent, size - sent);
      if (result >= 0) {
        sent += (int) result;
        congested = false;
        continue;
      }
      if (result != -Errno.EAGAIN) {
        socket.shutdown();
        return sent;
      }
      if (congested) {
        return sent;
      }
      long now = System.nanoTime();
      deadline = deadline == 0 ? now + SEND_MILLISECONDS * 1_000_000L : deadline;
      long left = Math.min((deadline - now) / 1_000_000, patience.leftMilliseconds());
      boolean room = left > 0 && socket.awaitRoom((int) left);
      patience.spend(System.nanoTime() - now);
      if (!room) {
        congested = true;
        return sent;
      }
    }
    return sent;
  }

  /** Whether the peer sent what no peer should. */
  boolean isPeerBroken() {
    return brokenPeer;
  }

  /** Makes {@link #receiveAll} and {@link #transmit} return soon; they do nothing after this. */
  synchronized void stop() {
    if (!closing) {
      closing = true;
      socket.shutdown();
    }
  }

  /** Closes the socket, when the receiving thread has returned from {@link #receiveAll}. */
  @Override
  public void close() {
    stop();
    synchronized (sending) {
      closeSocket();
    }
  }

  /** Not while {@link #stop} uses the descriptor. */
  private synchronized void closeSocket() {
    socket.close();
  }
}
