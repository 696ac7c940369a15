// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import java.nio.ByteBuffer;

/** Finds the lines in bytes that come in pieces; of a long line only the beginning is kept. */
final class LineAssembler {
  /** Takes a line. */
  interface Sink {
    /** A line without its end; the array is valid during the call alone. */
    void line(byte[] bytes, int from, int to);
  }

  private final Sink sink;
  private final byte[] part;
  private int length;
  private boolean any;

  LineAssembler(int maxBytes, Sink sink) {
    this.part = new byte[maxBytes];
    this.sink = sink;
  }

  void accept(byte[] bytes, int from, int to) {
    int start = from;
    for (int i = from; i < to; i++) {
      if (bytes[i] == '\n') {
        end(bytes, start, i);
        start = i + 1;
      }
    }
    keep(bytes, start, to);
  }

  void accept(ByteBuffer bytes) {
    byte[] some = new byte[Math.min(bytes.remaining(), 64 << 10)];
    while (bytes.hasRemaining()) {
      int count = Math.min(bytes.remaining(), some.length);
      bytes.get(some, 0, count);
      accept(some, 0, count);
    }
  }

  /** What is left without an end of its line. */
  void finish() {
    if (any) {
      end(part, 0, 0);
    }
  }

  private void end(byte[] bytes, int from, int to) {
    if (!any && to - from <= part.length) {
      deliver(bytes, from, to);
      return;
    }
    keep(bytes, from, to);
    deliver(part, 0, length);
    length = 0;
    any = false;
  }

  private void deliver(byte[] bytes, int from, int to) {
    int end = to;
    while (end > from && bytes[end - 1] == '\r') {
      end--;
    }
    sink.line(bytes, from, end);
  }

  private void keep(byte[] bytes, int from, int to) {
    if (from == to) {
      return;
    }
    any = true;
    int count = Math.min(to - from, part.length - length);
    System.arraycopy(bytes, from, part, length, count);
    length += count;
  }
}
