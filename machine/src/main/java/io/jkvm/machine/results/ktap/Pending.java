// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.Excerpt;

/** What was printed since the last result: it belongs to the test whose result comes next. */
final class Pending {
  private static final byte[] NEWLINE = {'\n'};

  private final Excerpt excerpt;

  Pending(int bytes) {
    excerpt = new Excerpt(bytes / 4, bytes - bytes / 4);
  }

  void add(byte[] bytes, int from, int to) {
    excerpt.accept(bytes, from, to - from);
    excerpt.accept(NEWLINE, 0, 1);
  }

  String text() {
    return excerpt.text();
  }

  void clear() {
    if (excerpt.written() > 0) {
      excerpt.clear();
    }
  }

  /** The text, once. */
  String take() {
    String text = excerpt.text();
    clear();
    return text;
  }
}
