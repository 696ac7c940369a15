// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.fails;
import static io.jkvm.devices.files.host.HostShare.name;
import static io.jkvm.devices.files.host.HostShare.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.TreeStatistics;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

// An open of a FIFO without a writer would never return.
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostTreeTest {
  private static final long NOBODY = 12_345;

  @TempDir Path path;
  private HostShare share;

  @BeforeEach
  void open() throws IOException {
    share = new HostShare(path);
  }

  @AfterEach
  void close() {
    share.close();
  }

  @Test
  void theRootMustBeADirectoryThatCanBeRead() throws IOException {
    Path missing = path.resolve("missing");
    LinuxException e = assertThrows(LinuxException.class, () -> new HostTree("x", missing));
    assertEquals(Errno.ENOENT, e.errno());
    assertTrue(e.getMessage().contains(missing.toString()), e.getMessage());
    Path file = share.file("file", "");
    e = assertThrows(LinuxException.class, () -> new HostTree("x", file));
    assertEquals(Errno.ENOTDIR, e.errno());
    e = assertThrows(LinuxException.class, () -> new HostTree("x", Path.of("/proc")));
    assertEquals(Errno.EPERM, e.errno());
    assertTrue(e.getMessage().contains("/proc"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> new HostTree("x", path, 1, 10));
    assertThrows(IllegalArgumentException.class, () -> new HostTree("x", path, 10, 1));
  }

  @Test
  void closingGivesAllDescriptorsBack() throws IOException {
    long before = share.descriptors();
    HostShare other = new HostShare(path);
    other.directory("a/b");
    other.node("a", "b");
    assertTrue(other.descriptors() > before);
    other.close();
    assertEquals(before, other.descriptors());
  }

  @Test
  void looksUpNames() throws IOException {
    share.file("file", "hello");
    ok(share.lookup(ROOT, "file"));
    long node = share.entry.node;
    assertNotEquals(ROOT, node);
    assertEquals(FileMode.REGULAR, share.entry.mode & FileMode.TYPE);
    assertEquals(5, share.entry.size);
    assertEquals(1, share.entry.links);
    assertFalse(share.entry.fleeting);
    assertEquals((long) Files.getAttribute(path.resolve("file"), "unix:ino"), share.entry.inode);
    fails(Errno.ENOENT, share.lookup(ROOT, "missing"));
    fails(Errno.ENOTDIR, share.lookup(node, "x"));
    fails(Errno.ESTALE, share.lookup(NOBODY, "x"));
    ok(share.attributes(node));
    assertEquals(node, share.entry.node);
    fails(Errno.ESTALE, share.attributes(NOBODY));
    ok(share.attributes(ROOT));
    assertTrue(FileMode.isDirectory(share.entry.mode));
  }

  @Test
  void numbersAreNotUsedAgain() throws IOException {
    share.file("file", "");
    long first = share.node("file");
    share.tree.forget(first, 1);
    fails(Errno.ESTALE, share.attributes(first));
    long second = share.node("file");
    assertNotEquals(first, second);
    ok(share.lookup(ROOT, "file"));
    share.tree.forget(second, 1);
    ok(share.attributes(second));
    share.tree.forget(second, -1);
    fails(Errno.ESTALE, share.attributes(second));
    share.tree.forget(NOBODY, 1);
    share.tree.forget(ROOT, 100);
    ok(share.attributes(ROOT));
    assertEquals(1, share.tree.knownNodes());
  }

  @Test
  void forgetsAll() throws IOException {
    share.directory("a/b/c");
    long deep = share.node("a", "b", "c");
    assertEquals(4, share.tree.knownNodes());
    share.tree.forgetAll();
    assertEquals(1, share.tree.knownNodes());
    fails(Errno.ESTALE, share.attributes(deep));
    assertEquals(1, share.tree.openHandles());
    share.node("a", "b", "c");
  }

  @Test
  void makesDirectories() throws IOException {
    ok(share.mkdir(ROOT, "made", 01775));
    assertTrue(FileMode.isDirectory(share.entry.mode));
    assertEquals(01775, share.entry.mode & FileMode.PERMISSIONS);
    assertTrue(Files.isDirectory(path.resolve("made")));
    ok(share.lookup(ROOT, "made"));
    fails(Errno.EEXIST, share.mkdir(ROOT, "made", 0755));
    fails(Errno.ESTALE, share.mkdir(NOBODY, "x", 0755));
    share.file("file", "");
    fails(Errno.ENOTDIR, share.mkdir(share.node("file"), "x", 0755));
    fails(Errno.ENOTDIR, share.rmdir(ROOT, "file"));
    share.file("made/in", "");
    fails(Errno.ENOTEMPTY, share.rmdir(ROOT, "made"));
    Files.delete(path.resolve("made/in"));
    ok(share.rmdir(ROOT, "made"));
    fails(Errno.ENOENT, share.rmdir(ROOT, "made"));
    fails(Errno.ESTALE, share.rmdir(NOBODY, "made"));
  }

  @Test
  void makesNodesButNoDevices() throws IOException {
    ok(share.mknod(ROOT, "file", FileMode.REGULAR | 0666));
    assertEquals(FileMode.REGULAR | 0666, share.entry.mode);
    ok(share.mknod(ROOT, "fifo", FileMode.FIFO | 0622));
    assertEquals(FileMode.FIFO | 0622, share.entry.mode);
    fails(Errno.ENXIO, share.openError(share.entry.node, OpenFlags.READ_ONLY));
    ok(share.mknod(ROOT, "socket", FileMode.SOCKET | 0600));
    assertEquals(FileMode.SOCKET | 0600, share.entry.mode);
    fails(Errno.ENXIO, share.openError(share.entry.node, OpenFlags.READ_WRITE));
    fails(Errno.EPERM, share.mknod(ROOT, "c", FileMode.CHARACTER_DEVICE | 0600));
    fails(Errno.EPERM, share.mknod(ROOT, "b", FileMode.BLOCK_DEVICE | 0600));
    fails(Errno.EEXIST, share.mknod(ROOT, "fifo", FileMode.FIFO | 0600));
    fails(Errno.ESTALE, share.mknod(NOBODY, "x", FileMode.FIFO | 0600));
    assertEquals(3, share.list(ROOT).size());
  }

  @Test
  void noFileGetsTheBitsOfOwners() throws IOException {
    ok(share.mknod(ROOT, "node", FileMode.REGULAR | 06755));
    assertEquals(0755, share.entry.mode & FileMode.PERMISSIONS);
    share.create(ROOT, "created", 07777, OpenFlags.READ_WRITE).close();
    assertEquals(01777, share.entry.mode & FileMode.PERMISSIONS);
    ok(share.chmod(share.entry.node, 06711));
    assertEquals(0711, share.entry.mode & FileMode.PERMISSIONS);
    ok(share.mkdir(ROOT, "directory", 0755));
    ok(share.chmod(share.entry.node, 06770));
    assertEquals(02770, share.entry.mode & FileMode.PERMISSIONS);
    assertEquals(0, (int) Files.getAttribute(path.resolve("created"), "unix:mode") & 06000);
  }

  @Test
  void makesSymbolicLinks() throws IOException {
    ok(share.symlink(ROOT, "link", "/etc/passwd"));
    assertEquals(FileMode.SYMBOLIC_LINK, share.entry.mode & FileMode.TYPE);
    long link = share.entry.node;
    assertEquals("/etc/passwd", share.readLink(link));
    fails(Errno.ELOOP, share.openError(link, OpenFlags.READ_ONLY));
    fails(Errno.ENOTDIR, share.lookup(link, "x"));
    fails(Errno.EOPNOTSUPP, share.chmod(link, 0600));
    fails(Errno.EEXIST, share.symlink(ROOT, "link", "x"));
    fails(Errno.ESTALE, share.symlink(NOBODY, "x", "x"));
    String longest = "x".repeat(4095);
    ok(share.symlink(ROOT, "long", longest));
    assertEquals(longest, share.readLink(share.entry.node));
    share.file("file", "");
    NativeMemory target = new NativeMemory(16);
    fails(Errno.EINVAL, share.tree.readLink(share.node("file"), target));
    fails(Errno.EINVAL, share.tree.readLink(ROOT, target));
    fails(Errno.ESTALE, share.tree.readLink(NOBODY, target));
  }

  @Test
  void twoNamesOfOneInodeAreOneNode() throws IOException {
    share.file("a", "x");
    long node = share.node("a");
    ok(share.link(node, ROOT, "b"));
    assertEquals(node, share.entry.node);
    assertEquals(2, share.entry.links);
    assertEquals(node, share.node("b"));
    Files.createLink(path.resolve("c"), path.resolve("a"));
    assertEquals(node, share.node("c"));
    assertEquals(2, share.tree.knownNodes());
    fails(Errno.EEXIST, share.link(node, ROOT, "c"));
    fails(Errno.ESTALE, share.link(NOBODY, ROOT, "x"));
    fails(Errno.ESTALE, share.link(node, NOBODY, "x"));
    fails(Errno.ENOTDIR, share.link(node, node, "x"));
    share.directory("d");
    fails(Errno.EPERM, share.link(share.node("d"), ROOT, "x"));
    ok(share.symlink(ROOT, "l", "nowhere"));
    ok(share.link(share.entry.node, ROOT, "l2"));
    assertTrue(Files.isSymbolicLink(path.resolve("l2")));
  }

  @Test
  void unlinks() throws IOException {
    share.file("file", "x");
    share.directory("directory");
    fails(Errno.EISDIR, share.unlink(ROOT, "directory"));
    ok(share.unlink(ROOT, "file"));
    fails(Errno.ENOENT, share.unlink(ROOT, "file"));
    fails(Errno.ESTALE, share.unlink(NOBODY, "file"));
    assertFalse(Files.exists(path.resolve("file"), LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void renames() throws IOException {
    share.file("a", "a");
    share.file("b", "b");
    share.directory("d");
    long a = share.node("a");
    long b = share.node("b");
    long d = share.node("d");
    fails(Errno.EEXIST, share.rename(ROOT, "a", ROOT, "b", OpenFlags.RENAME_NOREPLACE));
    ok(share.rename(ROOT, "a", d, "c", OpenFlags.RENAME_NOREPLACE));
    assertEquals(a, share.node("d", "c"));
    ok(share.rename(d, "c", ROOT, "b", OpenFlags.RENAME_EXCHANGE));
    assertEquals(a, share.node("b"));
    assertEquals(b, share.node("d", "c"));
    ok(share.rename(ROOT, "b", d, "c", 0));
    assertEquals(a, share.node("d", "c"));
    ok(share.attributes(b));
    assertEquals(0, share.entry.links);
    assertEquals("b", share.contents(b));
    fails(Errno.ENOENT, share.rename(ROOT, "b", ROOT, "x", 0));
    fails(Errno.ENOENT, share.rename(ROOT, "d", ROOT, "x", OpenFlags.RENAME_EXCHANGE));
    fails(Errno.ESTALE, share.rename(NOBODY, "d", ROOT, "x", 0));
    fails(Errno.ESTALE, share.rename(ROOT, "d", NOBODY, "x", 0));
    fails(Errno.ENOTDIR, share.rename(a, "d", ROOT, "x", 0));
    fails(Errno.EINVAL, share.rename(ROOT, "d", d, "x", 0));
    ok(share.attributes(ROOT));
  }

  @Test
  void aNodeTableHasAnEnd() throws IOException {
    try (HostShare small = new HostShare(path, 8, 100)) {
      for (int i = 0; i < 7; i++) {
        small.file("f" + i, "");
        ok(small.lookup(ROOT, "f" + i));
        assertEquals(i >= 5, small.entry.fleeting, "the entry " + i);
      }
      small.file("one", "");
      fails(Errno.ENFILE, small.lookup(ROOT, "one"));
      fails(Errno.ENFILE, small.mkdir(ROOT, "two", 0755));
      fails(Errno.ENFILE, small.symlink(ROOT, "two", "x"));
      int error =
          small.tree.create(small.caller, ROOT, name("two"), 0600, 0, small.entry, small.result);
      fails(Errno.ENFILE, error);
      assertFalse(Files.exists(path.resolve("two"), LinkOption.NOFOLLOW_LINKS));
      ok(small.lookup(ROOT, "f0"));
      small.tree.forget(small.entry.node, 2);
      ok(small.lookup(ROOT, "one"));
    }
  }

  @Test
  void tellsAboutTheFileSystem() throws IOException {
    TreeStatistics statistics = new TreeStatistics();
    ok(share.tree.statistics(ROOT, statistics));
    assertTrue(statistics.blocks > 0);
    assertTrue(statistics.fragmentBytes > 0);
    assertEquals(255, statistics.nameBytes);
    fails(Errno.ESTALE, share.tree.statistics(NOBODY, statistics));
    ok(share.tree.sync());
    assertEquals("test", share.tree.name());
  }

  /** What the host has in its caches of a file system is nothing of a guest's that only reads. */
  @Test
  void onlyWhatMayHaveBeenWrittenIsSynchronized() throws IOException {
    share.file("f", "text");
    long node = share.node("f");
    assertEquals("text", share.contents(node));
    assertEquals(List.of("f"), share.list(ROOT));
    ok(share.tree.sync());
    assertEquals(0, share.tree.writtenFileSystems());
    share.open(node, OpenFlags.READ_WRITE).close();
    ok(share.tree.sync());
    assertEquals(1, share.tree.writtenFileSystems());
  }

  @Test
  void aRootThatIsRemovedIsOnlyEmpty() throws IOException {
    Path gone = Files.createDirectory(path.resolve("gone"));
    try (HostShare removed = new HostShare(gone)) {
      removed.file("x", "");
      long known = removed.node("x");
      Files.delete(gone.resolve("x"));
      Files.delete(gone);
      fails(Errno.ENOENT, removed.lookup(ROOT, "x"));
      fails(Errno.ENOENT, removed.mkdir(ROOT, "y", 0755));
      ok(removed.attributes(ROOT));
      ok(removed.attributes(known));
      assertEquals(0, removed.entry.links);
    }
  }

  @Test
  void namesAreBytes() throws IOException {
    StringBuilder all = new StringBuilder();
    for (int i = 1; i < 256; i++) {
      if (i != '/') {
        all.append((char) i);
      }
    }
    String bytes = all.toString();
    share.create(ROOT, bytes, 0644, OpenFlags.READ_WRITE).close();
    long node = share.entry.node;
    ok(share.lookup(ROOT, bytes));
    assertEquals(node, share.entry.node);
    assertTrue(share.list(ROOT).contains(bytes));
    String longest = "\u00ff".repeat(255);
    ok(share.rename(ROOT, bytes, ROOT, longest, 0));
    assertEquals(java.util.List.of(longest), share.list(ROOT));
    ok(share.mkdir(ROOT, "...", 0755));
    ok(share.unlink(ROOT, longest));
  }

  /** As an editor saves a file, and a logger goes on with it. */
  @Test
  void whatTheHostReplacesIsNotStaleWhileItIsHeld() throws IOException {
    share.file("f", "old");
    long before = share.node("f");
    for (int i = 0; i < 50; i++) {
      Path saved = share.file("new", "new" + i);
      Files.move(saved, path.resolve("f"), StandardCopyOption.REPLACE_EXISTING);
      ok(share.attributes(before));
      assertEquals(0, share.entry.links);
      long now = share.node("f");
      assertNotEquals(before, now);
      assertEquals("new" + i, share.contents(now));
      before = now;
    }
    try (OutputStream log = Files.newOutputStream(path.resolve("f"), StandardOpenOption.APPEND)) {
      log.write(new byte[100]);
      ok(share.attributes(before));
      assertEquals(105, share.entry.size);
    }
  }
}
