// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.host.HostTree;
import io.jkvm.devices.files.host.nodes.TreeBudget;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients keep of files is bounded for all of them together. */
class SessionRoomTest {
  private static final int COMMON = 1000;

  @TempDir Path path;

  private final TreeBudget budget = new TreeBudget(100, COMMON);
  private final FileAttributes root = new FileAttributes();

  private P9Session session(HostTree tree) {
    assertEquals(0, tree.attributes(FileTree.ROOT, root));
    return new P9Session(
        tree,
        SharePolicy.writable(),
        e -> {
          throw e;
        });
  }

  /** Adds fids until there can be no more; returns how many those are. */
  private int fill(P9Session session, int from) {
    int number = from;
    while (session.checkNew(number) == 0) {
      session.add(new Fid(number, 0, session.places().root(root)));
      number++;
    }
    assertEquals(-Errno.ENFILE, session.checkNew(number));
    return number - from;
  }

  @Test
  void manyFidsOfOneLeaveTheOthersTheirs() throws Exception {
    try (HostTree first = new HostTree("first", path, budget);
        HostTree second = new HostTree("second", path, budget)) {
      P9Session greedy = session(first);
      P9Session other = session(second);
      int own = SessionRoom.OWN - 1; // the root's place is one, too
      assertEquals(own + COMMON, fill(greedy, 0));
      assertEquals(own, fill(other, 0));
      greedy.clunk(greedy.fids().get(7));
      assertEquals(1, fill(other, own));
      greedy.end();
      assertEquals(COMMON - 1, fill(other, own + 1));
      other.end();
      assertEquals(own + COMMON, fill(greedy, 0));
      greedy.end();
    }
  }
}
