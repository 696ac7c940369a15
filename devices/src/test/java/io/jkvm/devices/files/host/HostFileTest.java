// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.fails;
import static io.jkvm.devices.files.host.HostShare.name;
import static io.jkvm.devices.files.host.HostShare.ok;
import static io.jkvm.devices.files.host.HostShare.read;
import static io.jkvm.devices.files.host.HostShare.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostFileTest {
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

  private int create(String name, int flags) {
    return share.tree.create(
        share.caller, ROOT, name(name), 0600, flags, share.entry, share.result);
  }

  @Test
  void readsAndWrites() throws IOException {
    share.file("f", "0123456789");
    long node = share.node("f");
    try (OpenFile file = share.open(node, OpenFlags.READ_WRITE)) {
      assertEquals("345", read(file, 3, 3));
      assertEquals("89", read(file, 8, 100));
      assertEquals("", read(file, 10, 100));
      assertEquals(4, write(file, "abcd", 8));
      assertEquals("01234567abcd", Files.readString(path.resolve("f")));
      Files.writeString(path.resolve("f"), "x");
      assertEquals("x", read(file, 0, 100));
      fails(Errno.EINVAL, write(file, "abcd", -1));
      fails(Errno.EINVAL, write(file, "abcd", Long.MAX_VALUE - 2));
      assertEquals(0, file.sync(false));
      assertEquals(0, file.sync(true));
    }
    try (OpenFile file = share.open(node, OpenFlags.READ_ONLY)) {
      fails(Errno.EBADF, write(file, "x", 0));
    }
    try (OpenFile file = share.open(node, OpenFlags.WRITE_ONLY | OpenFlags.TRUNCATE)) {
      ok(file.attributes(share.entry));
      assertEquals(0, share.entry.size);
    }
    fails(Errno.EISDIR, share.openError(ROOT, OpenFlags.READ_ONLY));
    fails(Errno.ESTALE, share.openError(999, OpenFlags.READ_ONLY));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 0444, 0200, 0777})
  void whatIsMadeIsOpenWhateverItsPermissions(int mode) {
    try (OpenFile file = share.create(ROOT, "f", mode, OpenFlags.READ_WRITE)) {
      assertEquals(FileMode.REGULAR | mode, share.entry.mode);
      assertEquals(1, write(file, "x", 0));
      share.change.size = 100;
      ok(share.change(share.entry.node, file, AttributeChange.SIZE));
      assertEquals(100, share.entry.size);
      assertEquals("x", read(file, 0, 1));
    }
  }

  /** Root on the host keeps the bits of what it writes to; a guest that is root there must not. */
  @Test
  void whoWritesToASetUserIdFileTakesTheBit() throws IOException {
    assertTrue(share.tree.clearsPrivileges());
    List<String> ways = new ArrayList<>(List.of("write", "append", "copy", "truncate", "open"));
    ways.addAll(List.of("create", "allocate", "own", "nothing"));
    for (String way : ways) {
      Path program = share.file(way, "program");
      Files.setAttribute(program, "unix:mode", FileMode.REGULAR | 06755);
      long node = share.node(way);
      int flags = OpenFlags.READ_WRITE | (way.equals("open") ? OpenFlags.TRUNCATE : 0);
      try (OpenFile file = share.open(node, flags)) {
        switch (way) {
          case "write" -> assertEquals(1, write(file, "x", 0));
          case "append" -> assertEquals(1, HostShare.append(file, "x"));
          case "copy" -> {
            share.file("source", "x");
            try (OpenFile source = share.open(share.node("source"), OpenFlags.READ_ONLY)) {
              assertEquals(1, source.copyTo(0, file, 0, 1));
            }
          }
          case "nothing" -> {
            ok(share.change(node, 0));
            assertEquals(FileMode.REGULAR | 0755, share.entry.mode);
          }
          case "create" -> {
            ok(create(way, OpenFlags.WRITE_ONLY | OpenFlags.TRUNCATE));
            assertEquals(FileMode.REGULAR | 0755, share.entry.mode);
            share.result.takeFile().close();
          }
          case "allocate" -> ok(file.allocate(0, 0, 4096));
          case "own" -> {
            ok(share.attributes(node));
            ok(share.chown(node, share.entry.uid, share.entry.gid));
          }
          case "truncate" -> {
            share.change.size = 1;
            ok(share.change(node, file, AttributeChange.SIZE));
          }
          default -> {}
        }
      }
      int mode = (int) Files.getAttribute(program, "unix:mode");
      assertEquals(FileMode.REGULAR | 0755, mode, way);
    }
  }

  /** In a JVM of its own: threads here may have been begun by some that have served. */
  @Test
  void soDoesAThreadThatHasDoneNothingElse() throws Exception {
    LimitedProcess.assertRuns("-c 0", FirstWriteProgram.class, path);
  }

  @Test
  void createsOnceOrOpens() throws IOException {
    share.file("f", "content");
    long node = share.node("f");
    fails(Errno.EEXIST, create("f", OpenFlags.READ_WRITE | OpenFlags.EXCLUSIVE));
    ok(create("f", OpenFlags.READ_WRITE));
    share.result.takeFile().close();
    assertEquals(node, share.entry.node);
    assertEquals("content", Files.readString(path.resolve("f")));
    ok(create("f", OpenFlags.WRITE_ONLY | OpenFlags.TRUNCATE));
    share.result.takeFile().close();
    assertEquals(0, share.entry.size);
    assertEquals(0, Files.size(path.resolve("f")));
    share.tree.forget(node, 3);
    assertEquals(1, share.tree.knownNodes());
    share.directory("d");
    fails(Errno.EISDIR, create("d", OpenFlags.READ_WRITE));
    ok(share.symlink(ROOT, "l", "elsewhere"));
    share.tree.forget(share.entry.node, 1);
    fails(Errno.ELOOP, create("l", OpenFlags.READ_WRITE));
    ok(share.mknod(ROOT, "p", FileMode.FIFO | 0600));
    share.tree.forget(share.entry.node, 1);
    fails(Errno.ENXIO, create("p", OpenFlags.READ_WRITE));
    assertEquals(1, share.tree.knownNodes(), "references after errors");
    assertTrue(Files.notExists(path.resolve("elsewhere")));
  }

  @Test
  void aFileWithoutANameIsStillChanged() throws IOException {
    try (OpenFile file = share.create(ROOT, "f", 0, OpenFlags.READ_WRITE)) {
      long node = share.entry.node;
      ok(share.unlink(ROOT, "f"));
      assertEquals(5, write(file, "hello", 0));
      share.change.size = 3;
      ok(share.change(node, file, AttributeChange.SIZE));
      assertEquals(3, share.entry.size);
      assertEquals(0, share.entry.links);
      ok(share.chmod(node, 0640));
      assertEquals(0640, share.entry.mode & FileMode.PERMISSIONS);
      share.change.modificationSeconds = -7;
      share.change.modificationNanos = 123_456_789;
      ok(share.change(node, file, AttributeChange.MODIFICATION_TIME));
      ok(file.attributes(share.entry));
      assertEquals(-7, share.entry.modificationSeconds);
      assertEquals(123_456_789, share.entry.modificationNanos);
      assertEquals("hel", read(file, 0, 100));
    }
  }

  @Test
  void changesAllOrNothing() throws IOException {
    share.file("f", "12345");
    long node = share.node("f");
    int mode = share.entry.mode;
    share.change.size = 2;
    share.change.mode = 0111;
    share.change.accessNanos = 1_000_000_000;
    int all = AttributeChange.SIZE | AttributeChange.MODE | AttributeChange.ACCESS_TIME;
    fails(Errno.EINVAL, share.change(node, all));
    ok(share.attributes(node));
    assertEquals(5, share.entry.size);
    assertEquals(mode, share.entry.mode);
    share.change.accessNanos = 999_999_999;
    share.change.accessSeconds = 1_000;
    ok(share.change(node, all | AttributeChange.MODIFICATION_NOW));
    assertEquals(2, share.entry.size);
    assertEquals(0111, share.entry.mode & FileMode.PERMISSIONS);
    assertEquals(1_000, share.entry.accessSeconds);
    assertEquals(999_999_999, share.entry.accessNanos);
    assertTrue(share.entry.modificationSeconds > 1_000_000_000);
    fails(Errno.EISDIR, share.change(ROOT, AttributeChange.SIZE));
    ok(share.mknod(ROOT, "p", FileMode.FIFO | 0600));
    long fifo = share.entry.node;
    fails(Errno.EINVAL, share.change(fifo, AttributeChange.SIZE));
    ok(share.chmod(fifo, 0660));
    ok(share.change(node, 0));
    fails(Errno.ESTALE, share.change(999, AttributeChange.SIZE));
  }

  @Test
  void aSizeIsNotChangedByAFileOpenForReading() throws IOException {
    share.file("f", "12345");
    long node = share.node("f");
    share.change.size = 0;
    try (OpenFile file = share.open(node, OpenFlags.READ_ONLY)) {
      fails(Errno.EINVAL, share.change(node, file, AttributeChange.SIZE));
    }
  }

  @Test
  void spaceHolesAndCopies() {
    try (OpenFile file = share.create(ROOT, "f", 0600, OpenFlags.READ_WRITE);
        OpenFile other = share.create(ROOT, "g", 0600, OpenFlags.READ_WRITE)) {
      ok(file.allocate(0, 0, 8192));
      ok(file.attributes(share.entry));
      assertEquals(8192, share.entry.size);
      ok(file.allocate(0, 0, 100));
      ok(file.allocate(FileMode.ALLOCATE_KEEP_SIZE, 8192, 8192));
      ok(file.attributes(share.entry));
      assertEquals(8192, share.entry.size);
      fails(Errno.EOPNOTSUPP, file.allocate(8, 0, 4096));
      assertEquals(4, write(file, "data", 0));
      assertEquals(0, file.seek(0, false));
      assertTrue(file.seek(0, true) > 0);
      fails(Errno.ENXIO, file.seek(8192, true));
      assertEquals(3, file.copyTo(1, other, 10, 3));
      assertEquals("ata", read(other, 10, 100));
      assertEquals(0, file.copyTo(8192, other, 0, 10));
      fails(Errno.EINVAL, file.copyTo(0, file, 2, 4));
    }
  }

  @Test
  void aFullFileSystemIsTheGuestsErrorAndNoMore() throws Exception {
    HostShare.assumeRoot();
    Path small = share.directory("small");
    assumeTrue(
        HostEscapeTest.mount(
            "-t", "tmpfs", "-o", "size=64k,nr_inodes=8", "none", small.toString()));
    long directory = share.node("small");
    try (OpenFile file = share.create(directory, "f", 0600, OpenFlags.READ_WRITE)) {
      assertEquals(65_536, write(file, "x".repeat(100_000), 0));
      fails(Errno.ENOSPC, write(file, "x", 65_536));
      fails(Errno.ENOSPC, file.allocate(0, 0, 1 << 20));
      assertEquals("x", read(file, 65_535, 10));
      int made = 0;
      while (made < 10 && share.mknod(directory, "n" + made, FileMode.REGULAR | 0600) == 0) {
        made++;
      }
      fails(Errno.ENOSPC, share.mknod(directory, "n", FileMode.REGULAR | 0600));
      fails(Errno.ENOSPC, share.mkdir(directory, "d", 0755));
      ok(share.unlink(directory, "n0"));
      share.tree.forgetAll(); // or the file is still there, without a name
      ok(share.mkdir(share.node("small"), "d", 0755));
    } finally {
      share.close();
      HostEscapeTest.unmount(small);
    }
  }
}
