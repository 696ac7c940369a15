// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.fails;
import static io.jkvm.devices.files.host.HostShare.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nodes are many and descriptors are few. */
class HandleBoundTest {
  private static final int BOUND = 64;

  /** The root, open for reading besides its handle, and a request under way. */
  private static final int OTHERS = 4;

  @TempDir Path path;

  private HostShare share(int handles) throws IOException {
    return new HostShare(path, 1 << 17, handles);
  }

  /** Has others take all handles there are, so that what is known has none. */
  private static void evict(HostShare share) throws IOException {
    share.directory("others");
    long others = share.node("others");
    for (int i = 0; i < 2 * BOUND; i++) {
      if (Files.notExists(share.root.resolve("others/" + i))) {
        share.file("others/" + i, "");
      }
      ok(share.lookup(others, Integer.toString(i)));
      share.tree.forget(share.entry.node, -1);
      ok(share.lookup(others, Integer.toString(i)));
    }
    assertTrue(share.tree.openHandles() <= BOUND + OTHERS);
  }

  @Test
  void tenThousandFilesNeedNoMoreThanTheBound() throws IOException {
    int directories = 100;
    int files = 100;
    try (HostShare share = share(BOUND)) {
      List<Long> nodes = new ArrayList<>();
      for (int d = 0; d < directories; d++) {
        share.directory("d" + d);
        for (int f = 0; f < files; f++) {
          share.file("d" + d + "/" + f, "");
        }
      }
      for (int d = 0; d < directories; d++) {
        long directory = share.node("d" + d);
        for (String name : share.list(directory)) {
          ok(share.lookup(directory, name));
          nodes.add(share.entry.node);
        }
        assertTrue(share.descriptors() <= BOUND + OTHERS);
      }
      assertEquals(directories * files, nodes.size());
      assertEquals(directories * files + directories + 1, share.tree.knownNodes());
      for (int i = 0; i < nodes.size(); i += 7) {
        ok(share.attributes(nodes.get(i)));
        assertEquals(nodes.get(i), share.entry.node);
      }
      assertTrue(share.descriptors() <= BOUND + OTHERS);
      share.tree.forgetAll();
      assertEquals(1, share.tree.openHandles());
    }
  }

  @Test
  void whatWasForgottenLeavesNothing() throws IOException {
    try (HostShare share = share(BOUND)) {
      share.directory("a/b");
      share.file("a/b/f", "");
      long file = share.node("a", "b", "f");
      share.tree.forget(share.node("a"), 2);
      share.tree.forget(share.node("a", "b"), 2);
      // One more reference to "a" by the line before.
      share.tree.forget(share.node("a"), 100);
      assertEquals(4, share.tree.knownNodes(), "directories on the way to a file");
      share.tree.forget(file, 1);
      assertEquals(1, share.tree.knownNodes());
      assertEquals(1, share.tree.openHandles());
    }
  }

  @Test
  void aFileBelowARenamedDirectoryIsFoundAgain() throws IOException {
    try (HostShare share = share(BOUND)) {
      share.directory("a/b/c/d");
      share.file("a/b/c/d/file", "deep");
      long file = share.node("a", "b", "c", "d", "file");
      long a = share.node("a");
      evict(share);
      ok(share.rename(a, "b", ROOT, "moved", 0));
      evict(share);
      assertEquals("deep", share.contents(file));
      assertEquals(file, share.node("moved", "c", "d", "file"));
      ok(share.rename(ROOT, "moved", a, "other", OpenFlags.RENAME_NOREPLACE));
      share.directory("x");
      ok(share.rename(a, "other", ROOT, "x", OpenFlags.RENAME_EXCHANGE));
      evict(share);
      assertEquals("deep", share.contents(file));
    }
  }

  @Test
  void aDirectoryIsFoundAgainAtAnyDepth() throws IOException {
    int depth = 3000;
    try (HostShare share = share(BOUND)) {
      long node = ROOT;
      for (int i = 0; i < depth; i++) {
        ok(share.mkdir(node, "d", 0755));
        node = share.entry.node;
      }
      ok(share.mknod(node, "file", 0100644));
      long file = share.entry.node;
      evict(share);
      ok(share.attributes(file));
      assertTrue(share.descriptors() <= BOUND + OTHERS);
      // JUnit's way to remove the directory would be too long a path.
      ok(share.unlink(node, "file"));
      share.tree.forgetAll();
      List<Long> nodes = new ArrayList<>(List.of(ROOT));
      for (int i = 0; i < depth; i++) {
        ok(share.lookup(nodes.get(i), "d"));
        nodes.add(share.entry.node);
      }
      for (int i = depth - 1; i >= 0; i--) {
        ok(share.rmdir(nodes.get(i), "d"));
      }
    }
  }

  @Test
  void whatTheGuestUnlinksStaysKnown() throws IOException {
    try (HostShare share = share(BOUND)) {
      share.file("f", "still here");
      share.file("g", "replaced");
      share.file("h", "h");
      long f = share.node("f");
      long g = share.node("g");
      evict(share);
      ok(share.unlink(ROOT, "f"));
      ok(share.rename(ROOT, "h", ROOT, "g", 0));
      evict(share);
      assertEquals("still here", share.contents(f));
      assertEquals("replaced", share.contents(g));
      share.file("f", "new");
      assertNotEquals(f, share.node("f"));
      ok(share.chmod(f, 0600));
      assertEquals(0, share.entry.links);
      int open = share.tree.openHandles();
      share.tree.forget(f, 1);
      fails(Errno.ESTALE, share.attributes(f));
      assertEquals(open - 1, share.tree.openHandles());
    }
  }

  @Test
  void manyUnlinkedFilesAreNoMoreThanHalf() throws IOException {
    try (HostShare share = share(BOUND)) {
      int found = 0;
      List<Long> nodes = new ArrayList<>();
      for (int i = 0; i < 4 * BOUND; i++) {
        ok(share.mknod(ROOT, "f", 0100644));
        nodes.add(share.entry.node);
        ok(share.unlink(ROOT, "f"));
      }
      evict(share);
      for (long node : nodes) {
        int result = share.attributes(node);
        if (result == 0) {
          found++;
        } else {
          fails(Errno.ESTALE, result);
        }
      }
      assertEquals(BOUND / 2, found);
    }
  }

  @Test
  void anotherNameIsEnough() throws IOException {
    try (HostShare share = share(BOUND)) {
      share.file("f", "two names");
      long f = share.node("f");
      ok(share.link(f, ROOT, "g"));
      assertEquals(f, share.node("f"));
      evict(share);
      ok(share.unlink(ROOT, "f"));
      assertEquals(f, share.node("g"));
      evict(share);
      assertEquals("two names", share.contents(f));
    }
  }

  /** What is written to in a file system of layers goes to another one, and is born anew. */
  @Test
  void aFileThatChangesItsLayerIsTheSame() throws Exception {
    HostShare.assumeRoot();
    Path layers = Files.createDirectory(path.resolve("layers"));
    assumeTrue(HostEscapeTest.mount("-t", "tmpfs", "none", layers.toString()), "mount");
    try {
      for (String directory : List.of("lower", "upper", "work", "merged")) {
        Files.createDirectory(layers.resolve(directory));
      }
      Files.writeString(layers.resolve("lower/f"), "old");
      String options =
          "lowerdir=lower,upperdir=upper,workdir=work".replaceAll("=", "=" + layers + "/");
      Path merged = layers.resolve("merged");
      assumeTrue(
          HostEscapeTest.mount("-t", "overlay", "-o", options, "none", merged.toString()),
          "overlay");
      try (HostShare share = new HostShare(merged, 1000, BOUND)) {
        long f = share.node("f");
        evict(share);
        Files.writeString(merged.resolve("f"), "new");
        ok(share.attributes(f));
        assertEquals("new", share.contents(f));
        assertEquals(f, share.node("f"));
      } finally {
        HostEscapeTest.unmount(merged);
      }
    } finally {
      HostEscapeTest.unmount(layers);
    }
  }

  @Test
  void whatTheHostReplacesIsStale() throws IOException {
    try (HostShare share = share(BOUND)) {
      share.file("f", "old");
      share.directory("d");
      long f = share.node("f");
      long d = share.node("d");
      evict(share);
      share.file("new", "new");
      Files.move(
          path.resolve("new"),
          path.resolve("f"),
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      fails(Errno.ESTALE, share.attributes(f));
      Files.delete(path.resolve("d"));
      fails(Errno.ESTALE, share.attributes(d));
      fails(Errno.ESTALE, share.mkdir(d, "x", 0755));
      long now = share.node("f");
      assertNotEquals(f, now);
      assertEquals("new", share.contents(now));
      Files.move(path.resolve("f"), path.resolve("elsewhere"));
      assertEquals("new", share.contents(now));
      assertEquals(now, share.node("elsewhere"));
    }
  }

  @Test
  void aReusedInodeNumberIsAnotherNode() throws IOException {
    try (HostShare share = share(BOUND)) {
      int same = 0;
      for (int i = 0; i < 50; i++) {
        share.file("f", "x");
        long node = share.node("f");
        long inode = share.entry.inode;
        evict(share);
        Files.delete(path.resolve("f"));
        share.file("f", "y");
        assertNotEquals(node, share.node("f"), "round " + i);
        same += share.entry.inode == inode ? 1 : 0;
        fails(Errno.ESTALE, share.attributes(node));
        Files.delete(path.resolve("f"));
        share.tree.forgetAll();
      }
      // Otherwise nothing was tested here; ext4 and overlays of it do it nearly each time.
      org.junit.jupiter.api.Assumptions.assumeTrue(same > 0, "no number was used again");
    }
  }

  /** What was only the way to it would stay known for ever, and each such takes a place. */
  @Test
  void aReusedInodeNumberLeavesNoDirectoryBehind() throws IOException {
    try (HostShare share = share(BOUND)) {
      share.directory("d");
      int same = 0;
      for (int i = 0; i < 50; i++) {
        share.file("d/f", "x");
        long directory = share.node("d");
        long node = share.node("d", "f");
        long inode = share.entry.inode;
        share.tree.forget(directory, 2);
        evict(share);
        final int known = share.tree.knownNodes();
        Files.delete(path.resolve("d/f"));
        share.file("g", "y");
        assertNotEquals(node, share.node("g"), "round " + i);
        if (share.entry.inode == inode) {
          same++;
          share.tree.forget(share.entry.node, 1);
          share.tree.forget(node, 1);
          assertEquals(known - 2, share.tree.knownNodes(), "round " + i);
        }
        Files.delete(path.resolve("g"));
        share.tree.forgetAll();
      }
      org.junit.jupiter.api.Assumptions.assumeTrue(same > 0, "no number was used again");
    }
  }

  @Test
  void directoriesThatChangePlacesAreNoCircle() throws IOException {
    try (HostShare share = share(BOUND)) {
      share.directory("a/b");
      long a = share.node("a");
      long b = share.node("a", "b");
      // To what is known, "b" is in "a" now and "a" is in "b" then.
      Files.move(path.resolve("a/b"), path.resolve("b"));
      Files.move(path.resolve("a"), path.resolve("b/a"));
      evict(share);
      assertEquals(b, share.node("b"));
      assertEquals(a, share.node("b", "a"));
      evict(share);
      ok(share.attributes(a));
      Files.move(path.resolve("b/a"), path.resolve("a"));
      Files.move(path.resolve("b"), path.resolve("a/b"));
      ok(share.lookup(a, "b"));
      evict(share);
      fails(Errno.ESTALE, share.attributes(a));
      fails(Errno.ESTALE, share.attributes(b));
      assertEquals(b, share.node("a", "b"));
      share.tree.forgetAll();
      assertEquals(1, share.tree.knownNodes());
    }
  }

  @Test
  void anOpenFileNeedsNoNode() throws IOException {
    try (HostShare share = share(BOUND);
        OpenFile file = share.create(ROOT, "f", 0600, OpenFlags.READ_WRITE)) {
      long node = share.entry.node;
      long inode = share.entry.inode;
      ok(share.unlink(ROOT, "f"));
      share.tree.forget(node, 1);
      assertEquals(4, HostShare.write(file, "data", 0));
      ok(file.attributes(share.entry));
      assertEquals(4, share.entry.size);
      assertEquals(node, share.entry.node);
      assertEquals(inode, share.entry.inode);
    }
  }

  /** As a log is rotated, while the guest goes on with the file that it has open. */
  @Test
  void anOpenFileIsKnownWhateverTheHostDoesWithItsName() throws IOException {
    try (HostShare share = share(BOUND)) {
      share.file("f", "old");
      long node = share.node("f");
      OpenFile first = share.open(node, OpenFlags.READ_WRITE);
      try (OpenFile second = share.open(node, OpenFlags.READ_WRITE)) {
        evict(share);
        Files.move(path.resolve("f"), path.resolve("f.1"));
        share.file("f", "new");
        ok(share.attributes(node));
        assertEquals(3, share.entry.size);
        evict(share);
        first.close();
        share.change.size = 1;
        ok(share.change(node, second, AttributeChange.SIZE));
        assertEquals("o", Files.readString(path.resolve("f.1")));
        evict(share);
        Files.delete(path.resolve("f.1"));
        ok(share.attributes(node));
        evict(share);
      }
      fails(Errno.ESTALE, share.attributes(node));
    }
  }
}
