// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.fs.SharedDirectory.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** READDIR and READDIRPLUS. */
class DirectoriesTest {
  private static final long ROOT = FileTree.ROOT;
  private static final int DIRECTORY = 4;

  @TempDir private Path temporary;

  /** Reads a directory to its end with buffers of a size. */
  private static List<Dirents.Entry> all(FuseDriver guest, long handle, boolean plus, int size)
      throws Exception {
    List<Dirents.Entry> all = new ArrayList<>();
    long cookie = 0;
    while (true) {
      Dirents part = Dirents.of(guest.readdir(plus, ROOT, handle, cookie, size), plus);
      if (part.isEmpty()) {
        return all;
      }
      all.addAll(part);
      cookie = part.get(part.size() - 1).cookie();
    }
  }

  @ParameterizedTest
  @EnumSource
  void namesOfAllLengthsComeWhole(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      Set<String> names = new HashSet<>(List.of(".", ".."));
      for (int length = 1; length <= 255; length += 2) {
        String name = "n".repeat(length);
        names.add(name);
        share.file(name, "");
      }
      Files.createDirectory(share.root.resolve("dir"));
      names.add("dir");
      final long handle = share.guest.opendir(ROOT).handle();
      for (boolean plus : new boolean[] {false, true}) {
        for (int size : new int[] {408, 512, 4096, 65536}) {
          List<Dirents.Entry> all = all(share.guest, handle, plus, size);
          assertEquals(names.size(), all.size());
          assertEquals(names, new HashSet<>(all.stream().map(Dirents.Entry::name).toList()));
          assertTrue(all.stream().allMatch(e -> e.inode() != 0 && e.cookie() != 0));
        }
      }
      Dirents first = Dirents.of(share.guest.readdir(false, ROOT, handle, 0, 65536), false);
      assertEquals(DIRECTORY, first.named("dir").type());
      assertEquals(DIRECTORY, first.named(".").type());
    }
  }

  /** A reply of nothing would be the end of the directory. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aBufferForNothingIsEinval(boolean plus) throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      final long handle = share.guest.opendir(ROOT).handle();
      int needed = (plus ? 128 : 0) + 32;
      for (int size = 0; size < needed; size++) {
        share.guest.readdir(plus, ROOT, handle, 0, size).fails(Errno.EINVAL);
      }
      assertEquals(
          List.of("."),
          Dirents.of(share.guest.readdir(plus, ROOT, handle, 0, needed), plus).names());
      assertEquals(0, share.guest.readdir(plus, ROOT, handle, 2, 0).ok().payload().length);
    }
  }

  /** Of those whose order is known: the host's is its own. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NATIVE")
  void readdirplusLooksUpWhatFitsAndNothingElse(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      share.file("a", "x");
      share.file("b", "xy");
      FuseDriver guest = share.guest;
      final long handle = guest.opendir(ROOT).handle();
      Dirents dots = Dirents.of(guest.readdir(true, ROOT, handle, 0, 2 * 160 + 159), true);
      assertEquals(List.of(".", ".."), dots.names());
      assertEquals(0, dots.get(0).node());
      assertEquals(0, dots.get(1).node());
      assertEquals(1, share.knownNodes.getAsInt(), "an entry that did not fit has a reference");
      Dirents entries = Dirents.of(guest.readdir(true, ROOT, handle, 2, 2 * 160), true);
      assertEquals(2, entries.size());
      for (Dirents.Entry entry : entries) {
        assertEquals(entry.node(), share.node(entry.name()));
        assertEquals(entry.inode(), guest.getattr(entry.node()).ok().u64(16));
        guest.forget(entry.node(), 1);
        guest.getattr(entry.node()).ok();
        guest.forget(entry.node(), 1);
        guest.getattr(entry.node()).fails(Errno.ESTALE);
      }
      assertEquals(1, share.knownNodes.getAsInt());
    }
  }

  @ParameterizedTest
  @EnumSource
  void inodeNumbersAreThoseOfTheFiles(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      share.file("a", "x");
      final long handle = share.guest.opendir(ROOT).handle();
      for (int i = 0; i < 2; i++) {
        Dirents all = Dirents.of(share.guest.readdir(false, ROOT, handle, 0, 4096), false);
        Answer looked = share.guest.lookup(ROOT, "a");
        assertEquals(looked.u64(40), all.named("a").inode());
        share.guest.forget(looked.node(), 1);
      }
    }
  }

  /** With a program that removes each name as it comes. */
  @ParameterizedTest
  @EnumSource
  void removingWhileReadingLeavesNothingOut(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      for (int i = 0; i < 500; i++) {
        share.file("file" + i, "");
      }
      final long handle = guest.opendir(ROOT).handle();
      long cookie = 0;
      Set<String> seen = new HashSet<>();
      while (true) {
        Dirents part = Dirents.of(guest.readdir(false, ROOT, handle, cookie, 300), false);
        if (part.isEmpty()) {
          break;
        }
        for (Dirents.Entry entry : part) {
          assertTrue(seen.add(entry.name()), entry.name() + " twice");
          if (entry.name().startsWith("file")) {
            guest.named(FuseDriver.UNLINK, ROOT, entry.name()).ok();
          }
          cookie = entry.cookie();
        }
        share.file("new" + seen.size(), "");
      }
      assertTrue(seen.size() >= 502);
      try (var left = Files.list(share.root)) {
        assertFalse(left.anyMatch(path -> path.getFileName().toString().startsWith("file")));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void rewindingReadsAnewAndSeekingGoesBack(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      share.file("a", "");
      final long handle = guest.opendir(ROOT).handle();
      Dirents first = Dirents.of(guest.readdir(false, ROOT, handle, 0, 4096), false);
      assertEquals(3, first.size());
      share.file("b", "");
      assertTrue(
          Dirents.of(guest.readdir(false, ROOT, handle, 0, 4096), false).names().contains("b"));
      Dirents again =
          Dirents.of(guest.readdir(false, ROOT, handle, first.get(1).cookie(), 4096), false);
      assertFalse(again.names().contains(".."));
      assertTrue(again.names().contains("a"));
      for (long cookie : new long[] {-1, Long.MAX_VALUE}) {
        Answer nowhere = guest.readdir(false, ROOT, handle, cookie, 4096);
        if (nowhere.error() != 0 || kind != Kind.NATIVE) { // a file system may call it the end
          nowhere.fails(Errno.EINVAL);
        } else {
          assertEquals(List.of(), Dirents.of(nowhere, false).names());
        }
      }
    }
  }

  /** What the guest is not told of must not stay referred to, and what it is told of must. */
  @ParameterizedTest
  @ValueSource(strings = {"next", "lookup", "name"})
  void readdirplusThatBreaksLosesNoReference(String where) throws Exception {
    BrokenTree tree = new BrokenTree();
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      final long handle = guest.opendir(ROOT).handle();
      tree.breakAt(where, 4);
      Dirents told = Dirents.of(guest.readdir(true, ROOT, handle, 0, 4096), true);
      assertEquals(List.of("a", "b", "c", "d"), told.names());
      assertEquals(Set.of(100L, 101L, 102L, 103L), tree.known());
      guest.readdir(true, ROOT, handle, 4, 4096).fails(Errno.EIO);
      assertEquals(4, tree.known().size());
      tree.breakAt("", 0);
      told = Dirents.of(guest.readdir(true, ROOT, handle, 4, 4096), true);
      assertEquals(List.of("e", "f"), told.names());
      assertEquals(6, tree.known().size());
      for (Dirents.Entry entry : told) {
        assertEquals(entry.node(), entry.inode());
      }
    }
  }

  @Test
  void handlesAreChecked() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      FuseDriver guest = share.guest;
      final long directory = guest.mkdir(ROOT, "d").node();
      final long file = guest.create(ROOT, "f", 2, 0644).ok().u64(0);
      guest.opendir(file).fails(Errno.ENOTDIR);
      final long handle = guest.opendir(directory).handle();
      for (long bad : new long[] {-1, 0, handle + 1, handle ^ 1L << 32, Long.MIN_VALUE}) {
        guest.readdir(false, directory, bad, 0, 4096).fails(Errno.EBADF);
        guest.release(FuseDriver.RELEASEDIR, directory, bad).fails(Errno.EBADF);
        guest
            .request(FuseDriver.FSYNCDIR, directory, new Body().u64(bad).u64(0))
            .fails(Errno.EBADF);
      }
      guest.readdir(false, ROOT, handle, 0, 4096).fails(Errno.EBADF); // another node's
      guest.request(FuseDriver.FSYNCDIR, directory, new Body().u64(handle).u64(0)).ok();
      guest.release(FuseDriver.RELEASEDIR, directory, handle).ok();
      guest.release(FuseDriver.RELEASEDIR, directory, handle).fails(Errno.EBADF);
      guest.readdir(false, directory, handle, 0, 4096).fails(Errno.EBADF);
      final long other = guest.opendir(directory).handle();
      assertNotEquals(handle, other);
    }
  }

  @Test
  void openDirectoriesAreBounded() throws Exception {
    SharePolicy policy =
        new SharePolicy(false, java.time.Duration.ZERO, false, false, true, false, 3);
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary, policy, 100)) {
      FuseDriver guest = share.guest;
      final long first = guest.opendir(ROOT).handle();
      guest.opendir(ROOT).handle();
      guest.opendir(ROOT).handle();
      guest.opendir(ROOT).fails(Errno.EMFILE);
      guest.opendir(99).fails(Errno.EMFILE);
      guest.release(FuseDriver.RELEASEDIR, ROOT, first).ok();
      guest.opendir(99).fails(Errno.ESTALE);
      guest.opendir(ROOT).handle();
    }
  }
}
