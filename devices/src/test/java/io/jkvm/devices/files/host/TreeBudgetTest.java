// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.host.nodes.TreeBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Descriptors and heap are those of the process: trees share them, and none takes all. */
class TreeBudgetTest {
  /** Of 80 for open files, two trees have 20 each, and 40 are for who comes first. */
  private static final int ALL = 160;

  private static final int OWN = 20;
  private static final int COMMON = 40;

  @TempDir Path path;

  private final TreeBudget budget = new TreeBudget(ALL, 1 << 20);
  private final OpenResult result = new OpenResult();

  /** Opens until there is no more; returns what is open. */
  private List<AutoCloseable> openAll(HostTree tree) {
    List<AutoCloseable> open = new ArrayList<>();
    while (true) {
      int error = tree.openDirectory(FileTree.ROOT, result);
      if (error < 0) {
        assertEquals(-Errno.EMFILE, error);
        return open;
      }
      open.add(result.takeDirectory());
    }
  }

  @Test
  void oneTreeThatTakesAllItCanLeavesOthersTheirs() throws Exception {
    try (HostTree greedy = new HostTree("greedy", path, budget);
        HostTree other = new HostTree("other", path, budget)) {
      List<AutoCloseable> first = openAll(greedy);
      assertEquals(OWN + COMMON, first.size());
      List<AutoCloseable> second = openAll(other);
      assertEquals(OWN, second.size());
      // What one gives back goes to who asks.
      for (int i = 0; i < COMMON; i++) {
        first.remove(0).close();
      }
      assertEquals(COMMON, openAll(other).size());
      assertEquals(0, openAll(greedy).size());
    }
  }

  @Test
  void filesThatAreMadeCountToo() throws Exception {
    try (HostTree tree = new HostTree("test", path, budget)) {
      List<AutoCloseable> open = openAll(tree);
      int error =
          tree.create(
              new Caller(),
              FileTree.ROOT,
              HostShare.name("new"),
              0600,
              OpenFlags.READ_WRITE,
              new FileAttributes(),
              result);
      assertEquals(-Errno.EMFILE, error);
      assertTrue(Files.notExists(path.resolve("new")), "made all the same");
      open.remove(0).close();
      assertEquals(1, openAll(tree).size());
    }
  }

  /** With four trees each has half of the handles it would have with two. */
  @Test
  void handlesAreDividedAmongTrees() throws IOException {
    for (int i = 0; i < ALL; i++) {
      Files.createFile(path.resolve("f" + i));
    }
    try (HostTree one = new HostTree("one", path, budget);
        HostTree two = new HostTree("two", path, budget)) {
      lookUpAll(one);
      lookUpAll(two);
      assertEquals(ALL / 4, one.openHandles());
      assertEquals(ALL / 4, two.openHandles());
      try (HostTree three = new HostTree("three", path, budget);
          HostTree four = new HostTree("four", path, budget)) {
        for (HostTree tree : List.of(one, two, three, four)) {
          lookUpAll(tree);
          assertEquals(ALL / 8, tree.openHandles());
        }
      }
      lookUpAll(one);
      assertEquals(ALL / 4, one.openHandles());
    }
  }

  /** Or guests that do not forget would together have all of the heap, whoever came first. */
  @Test
  void nodesAreTheHeapsOfAll() throws IOException {
    int own = 1 << 12;
    int all = own + 100;
    for (int i = 0; i < all; i++) {
      Files.createFile(path.resolve("f" + i));
    }
    TreeBudget small = new TreeBudget(ALL, 70);
    try (HostTree one = new HostTree("one", path, small)) {
      assertEquals(own + 70, nodesAfter(one, all));
      try (HostTree two = new HostTree("two", path, small)) {
        assertEquals(own, nodesAfter(two, all), "its own, though all others are taken");
        one.forgetAll();
        assertEquals(own + 70, nodesAfter(two, all));
        assertEquals(own, nodesAfter(one, all));
      }
      assertEquals(own + 70, nodesAfter(one, all), "a tree that is gone has none");
    }
  }

  /** With the root; all that the tree can have. */
  private static int nodesAfter(HostTree tree, int files) {
    int error = 0;
    for (int i = 0; i < files && error == 0; i++) {
      error = tree.lookup(FileTree.ROOT, HostShare.name("f" + i), new FileAttributes());
    }
    assertEquals(-Errno.ENFILE, error);
    return tree.knownNodes();
  }

  private static void lookUpAll(HostTree tree) {
    tree.forgetAll();
    for (int i = 0; i < ALL; i++) {
      FileAttributes entry = new FileAttributes();
      HostShare.ok(tree.lookup(FileTree.ROOT, HostShare.name("f" + i), entry));
    }
  }

  @Test
  void aTreeThatCanNotBeMadeTakesNothing() throws Exception {
    for (int i = 0; i < 10; i++) {
      assertThrows(
          LinuxException.class, () -> new HostTree("none", path.resolve("missing"), budget));
    }
    try (HostTree tree = new HostTree("test", path, budget)) {
      assertEquals(OWN + COMMON, openAll(tree).size());
    }
  }

  /** Handles take what is left of the process's descriptors, and are closed when others need it. */
  @Test
  @Timeout(300)
  void handlesKeepNothingFromBeingOpened() throws Exception {
    LimitedProcess.assertRuns("-n 256", DescriptorsProgram.class, path);
  }
}
