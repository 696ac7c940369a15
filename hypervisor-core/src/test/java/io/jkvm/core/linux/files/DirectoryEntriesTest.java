// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.name;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryEntriesTest {
  private static final int MANY = 5000;

  @TempDir Path path;
  private TestDirectory directory;
  private final DirectoryEntries entries = new DirectoryEntries(4096);

  private record Entry(String name, long offset) {}

  @BeforeEach
  void open() {
    directory = new TestDirectory(path);
  }

  @AfterEach
  void close() {
    directory.close();
  }

  private int openToRead() {
    return directory.opened(new HandleIo().reopen(directory.fd(), OpenHow.O_RDONLY));
  }

  private String name0() {
    return TestDirectory.text(entries.buffer(), entries.nameAt(), entries.nameLength());
  }

  /** All from where the descriptor is, without "." and "..". */
  private List<Entry> list(int fd) {
    List<Entry> all = new ArrayList<>();
    while (ok(entries.fill(fd)) > 0) {
      while (entries.next()) {
        if (!entries.isDotOrDotDot()) {
          all.add(new Entry(name0(), entries.offset()));
        }
      }
    }
    return all;
  }

  private static Set<String> names(List<Entry> entries) {
    Set<String> names = new HashSet<>();
    for (Entry entry : entries) {
      assertTrue(names.add(entry.name()), () -> "twice: " + entry.name());
    }
    return names;
  }

  private Set<String> make(int count) {
    Set<String> made = new HashSet<>();
    for (int i = 0; i < count; i++) {
      String name = "e" + i + "x".repeat(i % 200);
      directory.make(name, FileMode.S_IFREG | 0600);
      made.add(name);
    }
    return made;
  }

  @Test
  void thousandsAreListedOnceAndAnySeekGoesOnThere() {
    Set<String> made = make(MANY);
    int fd = openToRead();
    List<Entry> all = list(fd);
    assertEquals(made, names(all));
    for (int at : new int[] {0, 1, 17, MANY / 2, MANY - 2, MANY - 1}) {
      FileDataIo.seek(fd, all.get(at).offset(), FileDataIo.SEEK_SET);
      entries.clear();
      assertEquals(all.subList(at + 1, MANY), list(fd), "behind entry " + at);
    }
    assertEquals(0, entries.fill(fd), "still at the end");
  }

  @Test
  void aBatchThatIsLeftInTheMiddleIsGoneOnWith() {
    Set<String> made = make(300);
    int fd = openToRead();
    Set<String> got = new HashSet<>();
    long offset = 0;
    while (true) {
      ok(FileDataIo.seek(fd, offset, FileDataIo.SEEK_SET));
      if (ok(entries.fill(fd)) == 0) {
        break;
      }
      for (int i = 0; i < 3 && entries.next(); i++) {
        assertTrue(entries.isDotOrDotDot() || got.add(name0()));
        offset = entries.offset();
      }
    }
    assertEquals(made, got);
  }

  @Test
  void everythingCanBeRemovedWhileItIsListed() {
    make(MANY);
    int fd = openToRead();
    while (ok(entries.fill(fd)) > 0) {
      while (entries.next()) {
        if (!entries.isDotOrDotDot()) {
          ok(DirectoryIo.unlinkat(directory.fd(), name(name0()), 0));
        }
      }
    }
    ok(FileDataIo.seek(fd, 0, FileDataIo.SEEK_SET));
    assertEquals(List.of(), list(fd));
  }

  @Test
  void fromTheStartAgainItSeesTheChange() {
    make(10);
    int fd = openToRead();
    assertEquals(10, list(fd).size());
    directory.make("new", FileMode.S_IFREG | 0600);
    ok(FileDataIo.seek(fd, 0, FileDataIo.SEEK_SET));
    assertTrue(names(list(fd)).contains("new"));
  }

  @Test
  void namesTypesAndInodes() {
    String[] odd = {"\u00ff", "a\u00ff\u00feb", "n\nl", " ", "y".repeat(255), "...", ".h"};
    for (String name : odd) {
      directory.make(name, FileMode.S_IFREG | 0600);
    }
    directory.makeDirectory("directory");
    directory.make("fifo", FileMode.S_IFIFO | 0600);
    directory.make("socket", FileMode.S_IFSOCK | 0600);
    directory.link("x", "link");
    Set<String> names = new HashSet<>();
    int dots = 0;
    int fd = openToRead();
    while (ok(entries.fill(fd)) > 0) {
      while (entries.next()) {
        if (entries.isDotOrDotDot()) {
          dots++;
          assertEquals(FileMode.DT_DIR, entries.type());
          continue;
        }
        names.add(name0());
        Statx stat = directory.stat(name0());
        assertEquals(stat.inode(), entries.inode());
        if (entries.type() != FileMode.DT_UNKNOWN) {
          assertEquals(FileMode.directoryType(stat.mode()), entries.type());
        }
      }
    }
    assertEquals(2, dots);
    Set<String> expected = new HashSet<>(List.of(odd));
    expected.addAll(List.of("directory", "fifo", "socket", "link"));
    assertEquals(expected, names);
  }

  @Test
  void errors() {
    directory.makeDirectory("d");
    DirectoryEntries small = new DirectoryEntries(20);
    assertErrno(Errno.EINVAL, small.fill(openToRead()));
    assertFalse(small.next());
    assertErrno(Errno.EBADF, entries.fill(directory.fd())); // a handle
    int removed = directory.open("d", OpenHow.O_RDONLY);
    ok(DirectoryIo.unlinkat(directory.fd(), name("d"), DirectoryIo.AT_REMOVEDIR));
    assertErrno(Errno.ENOENT, entries.fill(removed));
    assertErrno(Errno.ENOTDIR, entries.fill(directory.create("file")));
    assertFalse(entries.next());
  }

  /** As the kernel would never write them. */
  @Test
  void recordsThatReachOutOfTheBufferEndTheList() {
    int[][] broken = {
      // length of the record, bytes in the buffer, NUL at
      {0, 48, 20},
      {19, 48, 20},
      {49, 48, 20},
      {0xffff, 48, 20},
      {24, 48, 24},
      {24, 23, 20},
      {24, 48, 19},
      {24, 19, 20},
      {24, 10, 20},
      {4096, 4096, -1},
    };
    for (int[] each : broken) {
      DirectoryEntries made = new DirectoryEntries(4096);
      ByteBuffer buffer = made.buffer();
      for (int i = 0; i < 4096; i++) {
        buffer.put(i, (byte) 'x');
      }
      buffer.putShort(16, (short) each[0]);
      if (each[2] >= 0) {
        buffer.put(each[2], (byte) 0);
      }
      made.filled(each[1]);
      assertFalse(made.next(), () -> Arrays.toString(each));
      assertFalse(made.next());
      assertErrno(Errno.EIO, made.fill(openToRead()));
      made.clear();
      assertTrue(ok(made.fill(openToRead())) > 0);
      assertTrue(made.next());
    }
    DirectoryEntries good = new DirectoryEntries(64);
    good.buffer().putShort(16, (short) 24).put(19, "abcd".getBytes(StandardCharsets.US_ASCII));
    good.filled(24);
    assertTrue(good.next());
    assertEquals(4, good.nameLength());
    assertFalse(good.next());
    assertEquals(4, good.nameLength(), "the last one stays");
  }
}
