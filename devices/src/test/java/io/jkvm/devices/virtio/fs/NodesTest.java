// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.fs.SharedDirectory.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How long a node is known: each entry that the guest got counts once. */
class NodesTest {
  private static final long ROOT = FileTree.ROOT;

  @TempDir private Path temporary;

  @ParameterizedTest
  @EnumSource
  void everyEntryCountsOnce(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      final long made = guest.create(ROOT, "f", 2, 0644).ok().u64(0);
      assertEquals(made, share.node("f"));
      assertEquals(made, share.node("f"));
      assertEquals(2, share.knownNodes.getAsInt());
      guest.forget(made, 2);
      guest.getattr(made).ok();
      guest.forget(made, 1);
      guest.getattr(made).fails(Errno.ESTALE);
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }

  @Test
  void aLinksEntryCountsToo() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      share.file("a", "x");
      final long node = share.node("a");
      assertEquals(node, share.guest.link(node, ROOT, "b").node());
      share.guest.forget(node, 1);
      share.guest.getattr(node).ok();
      share.guest.forget(node, 1);
      share.guest.getattr(node).fails(Errno.ESTALE);
    }
  }

  /** Also when it was forgotten in between. */
  @Test
  void namesOfOneFileHaveOneInodeNumber() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      Files.createLink(share.root.resolve("b"), share.file("a", "x"));
      Files.createLink(share.root.resolve("c"), share.file("other", "x"));
      long first = inode(share, "a");
      assertEquals(1, share.knownNodes.getAsInt());
      assertEquals(first, inode(share, "b"));
      assertEquals(first, inode(share, "a"));
      assertNotEquals(first, inode(share, "c"));
    }
  }

  private static long inode(SharedDirectory share, String name) throws Exception {
    Answer entry = share.guest.lookup(ROOT, name).ok();
    share.guest.forget(entry.node(), 1);
    return entry.u64(40);
  }

  @ParameterizedTest
  @EnumSource
  void allThatMakeSomethingCount(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      long[] made = {
        guest.mkdir(ROOT, "d").node(),
        guest
            .request(
                FuseDriver.MKNOD,
                ROOT,
                new Body().u32(0x8000 | 0644).u32(0).u32(0).u32(0).name("n"),
                128)
            .node(),
        guest.create(ROOT, "c", 2, 0644).ok().u64(0)
      };
      if (kind == Kind.HOST) {
        guest.request(FuseDriver.SYMLINK, ROOT, new Body().name("s").name("t")).node();
        guest.forget(share.node("s"), 2);
      }
      for (long node : made) {
        guest.forget(node, 1);
        guest.getattr(node).fails(Errno.ESTALE);
      }
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }

  /** Two queues find and forget the same name: never a node that is not there. */
  @Test
  void findingRacesWithForgetting() throws Exception {
    Path root = Files.createDirectory(temporary.resolve("share"));
    Files.writeString(root.resolve("f"), "x");
    JavaTree tree = new JavaTree("test", root);
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      List<Future<?>> both = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        both.add(threads.submit(() -> findAndForget(tree, 20_000)));
      }
      for (Future<?> one : both) {
        one.get();
      }
      assertEquals(1, tree.knownNodes());
    } finally {
      threads.shutdown();
      tree.close();
    }
  }

  private static void findAndForget(JavaTree tree, int times) {
    NativeName name = new NativeName(NativeName.NAME_MAX);
    assertEquals(0, name.setComponent(new byte[] {'f'}));
    FileAttributes entry = new FileAttributes();
    for (int i = 0; i < times; i++) {
      assertEquals(0, tree.lookup(ROOT, name, entry));
      long node = entry.node;
      assertEquals(0, tree.attributes(node, entry), "known and not there");
      assertEquals(node, entry.node);
      tree.forget(node, 1);
    }
  }

  /** A count that is too large takes what there is, and the root is always known. */
  @Test
  void forgettingTooMuchDoesNoHarm() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      FuseDriver guest = share.guest;
      share.file("a", "x");
      guest.forget(ROOT, -1);
      guest.getattr(ROOT).ok();
      final long node = share.node("a");
      guest.forget(node, -1);
      guest.forget(node, 1);
      guest.forget(12345, 1);
      guest.forget(-1, -1);
      guest.getattr(node).fails(Errno.ESTALE);
      assertEquals(1, share.knownNodes.getAsInt());
      Body many = new Body().u32(600).u32(0);
      long[] nodes = new long[600];
      for (int i = 0; i < nodes.length; i++) {
        nodes[i] = guest.create(ROOT, "f" + i, 1, 0644).ok().u64(0);
        many.u64(nodes[i]).u64(1);
      }
      assertEquals(601, share.knownNodes.getAsInt());
      byte[] body = many.bytes();
      guest.put(FuseDriver.BATCH_FORGET, 0, 40 + body.length, body);
      guest.raw(io.jkvm.devices.virtio.testing.Buffer.out(FuseDriver.REQUEST, 40 + body.length));
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }

  /** A number is never another file's, however often that is forgotten and found. */
  @ParameterizedTest
  @EnumSource
  void numbersAreNeverUsedAgain(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      share.file("a", "x");
      share.file("b", "x");
      Set<Long> seen = new HashSet<>();
      long inode = 0;
      for (int i = 0; i < 20; i++) {
        Answer answer = share.guest.lookup(ROOT, i % 2 == 0 ? "a" : "b");
        assertTrue(seen.add(answer.node()), "node " + answer.node());
        assertEquals(0, answer.u64(8), "generation");
        if (i == 0) {
          inode = answer.u64(40);
        }
        assertEquals(i % 2 == 0, inode == answer.u64(40), "inode number");
        share.guest.forget(answer.node(), 1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSecondMountStartsClean(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      Answer made = guest.create(ROOT, "f", 2, 0644).ok();
      final long directory = guest.mkdir(ROOT, "d").node();
      guest.opendir(directory).handle();
      assertEquals(2, guest.device.openFiles());
      for (boolean politely : new boolean[] {true, false}) {
        if (politely) {
          guest.request(FuseDriver.DESTROY, 0, new Body(), 0).ok();
          assertEquals(0, guest.device.openFiles());
        }
        guest.mounted();
        assertEquals(0, guest.device.openFiles());
        assertEquals(1, share.knownNodes.getAsInt());
        guest.getattr(made.u64(0)).fails(Errno.ESTALE);
        guest.read(made.u64(0), made.u64(128), 0, 10).fails(Errno.EBADF);
        assertNotEquals(made.u64(0), share.node("f"));
        guest.create(ROOT, "g" + politely, 2, 0644).ok();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void nodesAreBounded(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary, SharePolicy.writable(), 10)) {
      FuseDriver guest = share.guest;
      for (int i = 0; i < 20; i++) {
        share.file("f" + i, "");
      }
      long last = 0;
      for (int i = 0; i < 9; i++) {
        last = share.node("f" + i);
      }
      guest.lookup(ROOT, "f9").fails(Errno.ENFILE);
      guest.mkdir(ROOT, "d").fails(Errno.ENFILE);
      guest.create(ROOT, "n", 2, 0644).fails(Errno.ENFILE);
      assertEquals(last, share.node("f8")); // known already
      // The names stay listed.
      final long handle = guest.opendir(ROOT).handle();
      Dirents entries = Dirents.of(guest.readdir(true, ROOT, handle, 0, 8192), true);
      assertEquals(22, entries.size());
      assertEquals(9, entries.stream().filter(e -> e.node() != 0).count());
      guest.forget(last, 3);
      guest.lookup(ROOT, "f9").node();
    }
  }

  /** Linux then forgets each as soon as it is not used any more. */
  @Test
  void aGuestThatKnowsMuchIsAskedToForget() throws Exception {
    try (SharedDirectory share =
        new SharedDirectory(Kind.HOST, temporary, SharePolicy.writable(), 100)) {
      for (int i = 0; i < 90; i++) {
        share.file("f" + i, "");
      }
      for (int i = 0; i < 90; i++) {
        Answer found = share.guest.lookup(ROOT, "f" + i).ok();
        assertEquals(i < 74 ? 1 : 0, found.u64(16), "entry_valid of " + i);
        assertEquals(1, found.u64(24), "attr_valid");
      }
    }
  }
}
