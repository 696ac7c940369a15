// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A stream of a task's output on its way to whoever reads it: as many bytes as the agent may send
 * ahead. What has been read is granted again, half a window at a time.
 */
final class StreamWindow extends InputStream {
  /** Where the window tells the agent. */
  interface Grants {
    /** So many more bytes may be sent. */
    void grant(int bytes) throws IOException;

    /** Nobody reads any more. */
    void closed() throws IOException;
  }

  private final Grants grants;
  private final byte[] ring = new byte[Frame.WINDOW_BYTES];

  // Guarded by this.
  private int head;
  private int used;
  private int ungranted;
  private boolean ended;
  private boolean closed;
  private String failure;

  StreamWindow(Grants grants) {
    this.grants = grants;
  }

  /**
   * Bytes from the agent.
   *
   * @return false if they are more than was granted, or come after the end
   */
  synchronized boolean put(ByteBuffer bytes) {
    int length = bytes.remaining();
    if (ended || length > ring.length - used - ungranted) {
      return false;
    }
    if (closed) {
      return true; // sent before the agent knew
    }
    int tail = (head + used) % ring.length;
    int first = Math.min(length, ring.length - tail);
    bytes.get(ring, tail, first);
    bytes.get(ring, 0, length - first);
    used += length;
    notifyAll();
    return true;
  }

  /** Nothing follows. */
  synchronized void end() {
    ended = true;
    notifyAll();
  }

  /** Nothing follows because something is wrong; what is there can still be read. */
  synchronized void fail(String why) {
    if (!ended && failure == null) {
      failure = why;
      notifyAll();
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    if (length == 0) {
      return 0;
    }
    int count;
    int grant = 0;
    synchronized (this) {
      if (!awaitBytes()) {
        return -1;
      }
      count = Math.min(length, used);
      int first = Math.min(count, ring.length - head);
      System.arraycopy(ring, head, bytes, offset, first);
      System.arraycopy(ring, 0, bytes, offset + first, count - first);
      head = (head + count) % ring.length;
      used -= count;
      ungranted += count;
      if (ungranted >= ring.length / 2 && !ended && failure == null) {
        grant = ungranted;
        ungranted = 0;
      }
    }
    if (grant > 0) {
      grants.grant(grant);
    }
    return count;
  }

  /** False at the end. */
  private boolean awaitBytes() throws IOException {
    while (used == 0) {
      if (closed) {
        throw new IOException("the stream is closed");
      }
      if (ended) {
        return false;
      }
      if (failure != null) {
        throw new AgentException(failure);
      }
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while waiting for output");
      }
    }
    return true;
  }

  @Override
  public synchronized int available() {
    return used;
  }

  /** Drops what is there and tells the agent, so that the command gets SIGPIPE when it writes. */
  @Override
  public void close() throws IOException {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      used = 0;
      notifyAll();
      if (ended || failure != null) {
        return;
      }
    }
    grants.closed();
  }
}
