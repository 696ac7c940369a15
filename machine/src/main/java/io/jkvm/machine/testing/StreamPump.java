// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;

/** Copies a command's output to the host on a thread of its own. */
final class StreamPump {
  private static final int PIECE_BYTES = 64 << 10;

  private final String name;
  private final InputStream from;
  private final OutputStream to;
  private final RunProgress progress;
  private volatile IOException failure;
  private volatile boolean ended;
  private volatile boolean abandoned;

  /**
   * Begins to copy, until the end or until the target takes no more.
   *
   * @param name of the stream, for messages
   * @param progress told of each piece, and of the end
   */
  StreamPump(String machine, String name, InputStream from, OutputStream to, RunProgress progress) {
    this.name = name;
    this.from = from;
    this.to = to;
    this.progress = progress;
    Thread thread = new Thread(this::copy, machine + "/" + name);
    thread.setDaemon(true);
    thread.start();
  }

  private void copy() {
    byte[] piece = new byte[PIECE_BYTES];
    try (from) { // if the target is gone, the command gets SIGPIPE when it writes on
      for (int count = from.read(piece); count >= 0 && !abandoned; count = from.read(piece)) {
        progress.readerWaitedFor();
        try {
          write(piece, count);
        } finally {
          progress.readerServed();
        }
      }
    } catch (IOException e) {
      // The agent is gone, which the run finds out by itself; or the target, which write has noted.
    } catch (RuntimeException | Error e) { // such as no more memory where the output is kept
      failure = new IOException(name + " was cut: " + e, e);
    } finally {
      progress.touch();
      ended = true;
      progress.poke();
    }
  }

  private void write(byte[] piece, int count) throws IOException {
    try {
      to.write(piece, 0, count);
      if (from.available() == 0) {
        to.flush();
      }
    } catch (IOException e) {
      boolean readerHasLeft = e instanceof LinuxException why && why.errno() == Errno.EPIPE;
      if (!readerHasLeft) {
        failure = new IOException(name + " can't be written: " + e.getMessage(), e);
      }
      throw e;
    }
  }

  /** Nothing more is begun to be written; a write that is under way may still end. */
  void abandon() {
    abandoned = true;
  }

  boolean hasEnded() {
    return ended;
  }

  /** What the host could not do. */
  Optional<IOException> failure() {
    return Optional.ofNullable(failure);
  }
}
