// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;

/** The entries of a directory as READDIR or READDIRPLUS gives them. */
final class Dirents extends AbstractList<Dirents.Entry> {
  private final List<Entry> entries = new ArrayList<>();

  /**
   * One of them.
   *
   * @param node 0 if it was not looked up
   */
  record Entry(String name, long inode, long cookie, int type, long node) {}

  /** Parses a reply and checks its form. */
  static Dirents of(Answer answer, boolean plus) {
    Dirents all = new Dirents();
    ByteBuffer bytes = ByteBuffer.wrap(answer.ok().payload()).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (at < bytes.limit()) {
      int head = at + (plus ? 128 : 0);
      int length = bytes.getInt(head + 16);
      byte[] name = new byte[length];
      bytes.get(head + 24, name);
      int end = head + 24 + length;
      at = (end + 7) / 8 * 8;
      for (int i = end; i < at; i++) {
        assertEquals(0, bytes.get(i), "padding");
      }
      long node = plus ? bytes.getLong(head - 128) : 0;
      all.entries.add(
          new Entry(
              new String(name, StandardCharsets.UTF_8),
              bytes.getLong(head),
              bytes.getLong(head + 8),
              bytes.getInt(head + 20),
              node));
    }
    assertEquals(bytes.limit(), at);
    return all;
  }

  @Override
  public Entry get(int index) {
    return entries.get(index);
  }

  @Override
  public int size() {
    return entries.size();
  }

  List<String> names() {
    return entries.stream().map(Entry::name).toList();
  }

  Entry named(String name) {
    return entries.stream().filter(e -> e.name().equals(name)).findFirst().orElseThrow();
  }
}
