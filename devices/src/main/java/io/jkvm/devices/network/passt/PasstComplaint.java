// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import io.jkvm.core.lifecycle.WorkerThread;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/** Reads what passt says, for ever, and remembers the last line that says what is wrong. */
final class PasstComplaint implements AutoCloseable {
  private static final int LINE_BYTES = 300;
  private static final int END_MILLISECONDS = 1000;

  /** What it always says, which is no complaint. */
  private static final List<String> USUAL =
      List.of(
          "Failed to send ",
          "Don't run as root",
          "UNIX domain socket bound",
          "You can now start",
          "or qrap",
          "    ",
          "Usage: ",
          "  -");

  private final InputStream from;
  private final WorkerThread thread;
  private String last = "";

  PasstComplaint(InputStream from, String threadName) {
    this.from = from;
    thread = new WorkerThread(threadName, this::run).start();
  }

  private void run() {
    byte[] chunk = new byte[4096];
    StringBuilder line = new StringBuilder();
    try {
      for (int count = from.read(chunk); count > 0; count = from.read(chunk)) {
        for (int i = 0; i < count; i++) {
          if (chunk[i] == '\n') {
            end(line);
          } else if (line.length() < LINE_BYTES) {
            line.append(
                chunk[i] >= ' ' && chunk[i] < 0x7f || chunk[i] == ' ' ? (char) chunk[i] : '?');
          }
        }
      }
    } catch (IOException e) {
      // The pipe was closed: nothing more to read.
      line.setLength(0);
    }
    end(line);
  }

  private synchronized void end(StringBuilder line) {
    String text = line.toString();
    line.setLength(0);
    boolean helpFollows = last.contains("option '");
    if (!text.isBlank() && !helpFollows && USUAL.stream().noneMatch(text::startsWith)) {
      last = text.strip();
    }
  }

  /** The last complaint of a process that has ended, or nothing. */
  String get() {
    thread.join(END_MILLISECONDS);
    synchronized (this) {
      return last;
    }
  }

  @Override
  public void close() {
    thread.join(END_MILLISECONDS);
    try {
      from.close();
    } catch (IOException e) {
      // Only a file could fail to be closed; this is the end of a pipe.
      throw new UncheckedIOException(e);
    }
  }
}
