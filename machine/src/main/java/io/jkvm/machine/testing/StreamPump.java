// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Copies one stream to another on a thread of its own. */
final class StreamPump {
  private static final int PIECE_BYTES = 64 << 10;

  private final InputStream from;
  private final OutputStream to;
  private final Runnable onBytes;
  private final boolean closeTarget;
  private final Thread thread;

  private StreamPump(
      String name, InputStream from, OutputStream to, boolean closeTarget, Runnable onBytes) {
    this.from = from;
    this.to = to;
    this.closeTarget = closeTarget;
    this.onBytes = onBytes;
    thread = new Thread(this::copy, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Begins to copy a command's output, until its end or until the target takes no more. */
  static StreamPump output(String name, InputStream from, OutputStream to, Runnable onBytes) {
    return new StreamPump(name, from, to, false, onBytes);
  }

  /** Begins to copy a command's input, and closes it at the end. */
  static StreamPump input(String name, InputStream from, OutputStream to) {
    return new StreamPump(name, from, to, true, () -> {});
  }

  private void copy() {
    byte[] piece = new byte[PIECE_BYTES];
    try {
      for (int count = from.read(piece); count >= 0; count = from.read(piece)) {
        onBytes.run();
        to.write(piece, 0, count);
        if (from.available() == 0) {
          to.flush();
        }
      }
    } catch (IOException e) {
      // Either side is gone, which the run finds out by itself; the other side is told below.
    }
    closeEnd();
  }

  private void closeEnd() {
    try {
      if (closeTarget) {
        to.close();
      } else {
        from.close(); // the command gets SIGPIPE if it writes on
      }
    } catch (IOException e) {
      // The agent is gone.
    }
  }

  /** Waits for the end, for a limited time if that is above 0. */
  void join(long milliseconds) throws InterruptedException {
    thread.join(milliseconds);
  }
}
