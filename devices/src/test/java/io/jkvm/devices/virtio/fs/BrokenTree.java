// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.files.OpenResult;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** A tree with a directory of six files, which throws exceptions at a chosen one of them. */
final class BrokenTree extends StubTree {
  private static final int FIRST_NODE = 100;

  private final ByteBuffer names = ByteBuffer.wrap("abcdef".getBytes(StandardCharsets.US_ASCII));
  private final Map<Long, Long> references = new HashMap<>();
  private String where = "";
  private int broken;

  /**
   * From now on it breaks somewhere.
   *
   * @param newWhere "next", when the entry is asked for; "lookup"; "name", when it is told after a
   *     lookup that went well; or nowhere
   */
  void breakAt(String newWhere, int entry) {
    names.clear();
    where = newWhere;
    broken = entry;
  }

  /** The nodes with references, each of which must have one only. */
  Set<Long> known() {
    references.values().removeIf(count -> count == 0);
    if (references.values().stream().anyMatch(count -> count != 1)) {
      throw new AssertionError("references " + references);
    }
    return references.keySet();
  }

  private void check(String place, int entry) {
    if (where.equals(place) && entry == broken) {
      throw new IllegalStateException(place + " of " + entry);
    }
  }

  @Override
  public int lookup(long parent, NativeName name, FileAttributes entry) {
    int index = name.bytes()[0] - 'a';
    check("lookup", index);
    if (where.equals("name") && index == broken) {
      names.limit(index);
    }
    entry.node = FIRST_NODE + index;
    entry.inode = FIRST_NODE + index;
    references.merge(entry.node, 1L, Long::sum);
    return 0;
  }

  @Override
  public void forget(long node, long count) {
    references.merge(node, -count, Long::sum);
  }

  @Override
  public int openDirectory(long node, OpenResult result) {
    result.set(new Directory());
    return 0;
  }

  private final class Directory implements OpenDirectory {
    private int at;

    @Override
    public int seek(long cookie) {
      at = (int) cookie;
      names.clear();
      return 0;
    }

    @Override
    public int next(DirectoryEntry entry) {
      check("next", at);
      if (at == names.capacity()) {
        return 0;
      }
      entry.name(names, at, 1);
      entry.place(FIRST_NODE + at, at + 1, 0);
      at++;
      return 1;
    }

    @Override
    public int sync(boolean dataOnly) {
      return 0;
    }

    @Override
    public void close() {}
  }
}
