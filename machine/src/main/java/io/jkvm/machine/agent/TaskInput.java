// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.Objects;

/**
 * A task's standard input. It holds its writer back until the agent takes more; nothing is kept
 * here. A command that has ended, or closed its input, makes a write fail as a broken pipe does.
 */
final class TaskInput extends OutputStream {
  private final FrameSender sender;
  private final int task;

  /** Held while something is on its way, so that nothing goes behind the end. */
  private final Object sending = new Object();

  // Guarded by this.
  private long window = Frame.WINDOW_BYTES;
  private boolean ended;
  private boolean closed;

  TaskInput(FrameSender sender, int task) {
    this.sender = sender;
    this.task = task;
  }

  /**
   * The agent takes so many more.
   *
   * @return false if that is more than can be
   */
  synchronized boolean grant(long bytes) {
    window += bytes;
    notifyAll();
    return window <= Integer.MAX_VALUE;
  }

  /** Nobody reads it any more. */
  synchronized void end() {
    ended = true;
    notifyAll();
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    synchronized (sending) {
      int written = 0;
      while (written < length) {
        int part = reserve(Math.min(length - written, Frame.MAX_PAYLOAD_BYTES));
        sender.send(Frame.DATA, Frame.STDIN, task, bytes, offset + written, part);
        written += part;
      }
    }
  }

  private synchronized int reserve(int wanted) throws IOException {
    while (window == 0 && !ended && !closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while the guest took no input");
      }
    }
    if (ended || closed) {
      throw new IOException("the guest's command does not read its input any more");
    }
    int part = (int) Math.min(wanted, window);
    window -= part;
    return part;
  }

  /** There is no input: the agent has been told so with the command. */
  synchronized void closedFromTheBeginning() {
    closed = true;
  }

  /** The command's input is at its end. */
  @Override
  public void close() throws IOException {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      notifyAll();
      if (ended) {
        return;
      }
    }
    synchronized (sending) {
      sender.send(Frame.EOF, Frame.STDIN, task, new byte[0], 0, 0);
    }
  }
}
