// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.fails;
import static io.jkvm.devices.files.host.HostShare.names;
import static io.jkvm.devices.files.host.HostShare.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.OpenDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostDirectoryTest {
  private static final int MANY = 5000;

  @TempDir Path path;
  private HostShare share;
  private final DirectoryEntry entry = new DirectoryEntry();

  @BeforeEach
  void open() throws IOException {
    share = new HostShare(path);
  }

  @AfterEach
  void close() {
    share.close();
  }

  private void many() throws IOException {
    for (int i = 0; i < MANY; i++) {
      share.file("a-name-of-a-file-" + i, "");
    }
  }

  @Test
  void listsEveryNameOnce() throws IOException {
    many();
    share.directory("directory");
    List<String> all = share.list(ROOT);
    assertEquals(MANY + 1, all.size());
    assertEquals(MANY + 1, new HashSet<>(all).size());
    try (OpenDirectory directory = share.openDirectory(ROOT)) {
      ok(directory.sync(false));
      ok(directory.sync(true));
      while (ok(directory.next(entry)) == 1) {
        String name = HostShare.name(entry);
        if (name.equals("directory")) {
          assertEquals(4, entry.type());
          ok(share.lookup(ROOT, name));
          assertEquals(share.entry.inode, entry.inode());
        } else if (name.equals("..")) {
          ok(share.attributes(ROOT));
          assertEquals(share.entry.inode, entry.inode());
        }
        assertNotEquals(0, entry.cookie());
        assertNotEquals(0, entry.inode());
      }
    }
    share.file("file", "");
    fails(Errno.ENOTDIR, share.tree.openDirectory(share.node("file"), share.result));
    fails(Errno.ESTALE, share.tree.openDirectory(999, share.result));
  }

  @Test
  void cookiesLeadBack() throws IOException {
    many();
    try (OpenDirectory directory = share.openDirectory(ROOT);
        OpenDirectory other = share.openDirectory(ROOT)) {
      Map<Long, String> next = new HashMap<>();
      List<Long> cookies = new ArrayList<>();
      long before = 0;
      while (ok(directory.next(entry)) == 1) {
        next.put(before, HostShare.name(entry));
        cookies.add(before);
        before = entry.cookie();
      }
      for (int i = 0; i < cookies.size(); i += 11) {
        long cookie = cookies.get(cookies.size() - 1 - i);
        OpenDirectory one = i % 2 == 0 ? directory : other;
        ok(one.seek(cookie));
        assertEquals(1, one.next(entry));
        assertEquals(next.get(cookie), HostShare.name(entry));
        // The last one that was given once more, as when it did not fit.
        ok(one.seek(cookie));
        assertEquals(1, one.next(entry));
        assertEquals(next.get(cookie), HostShare.name(entry));
        long following = entry.cookie();
        ok(one.seek(following));
        assertEquals(next.containsKey(following) ? 1 : 0, one.next(entry));
        if (next.containsKey(following)) {
          assertEquals(next.get(following), HostShare.name(entry));
        }
      }
    }
  }

  @Test
  void severalThreadsReadOneInTurn() throws Exception {
    many();
    List<String> all = new ArrayList<>();
    try (OpenDirectory directory = share.openDirectory(ROOT)) {
      long cookie = 0;
      int got = 1;
      while (got > 0) {
        long from = cookie;
        FutureTask<Integer> part =
            new FutureTask<>(
                () -> {
                  ok(directory.seek(from));
                  int count = 0;
                  while (count < 100 && ok(directory.next(entry)) == 1) {
                    all.add(HostShare.name(entry));
                    count++;
                  }
                  return count;
                });
        Thread thread = new Thread(part, "reader");
        if (all.size() / 100 % 3 == 0) {
          part.run(); // here, where there may be something of before
        } else {
          thread.start();
        }
        got = part.get();
        cookie = entry.cookie();
      }
    }
    assertEquals(MANY + 2, all.size());
    assertEquals(MANY + 2, new HashSet<>(all).size());
  }

  @Test
  void anyCookieIsHarmless() throws IOException {
    share.file("x", "");
    try (OpenDirectory directory = share.openDirectory(ROOT)) {
      for (long cookie : new long[] {-1, 1, 12_345, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 40}) {
        int result = directory.seek(cookie);
        for (int i = 0; i < 10 && result >= 0; i++) {
          result = directory.next(entry) - 1;
        }
      }
      ok(directory.seek(0));
      assertEquals(List.of("x"), names(directory));
    }
  }

  @Test
  void theBeginningIsReadAnew() throws IOException {
    share.file("x", "");
    try (OpenDirectory directory = share.openDirectory(ROOT)) {
      assertEquals(List.of("x"), names(directory));
      share.file("y", "");
      assertEquals(0, directory.next(entry));
      ok(directory.seek(0));
      assertEquals(2, names(directory).size());
      ok(share.unlink(ROOT, "x"));
      ok(directory.seek(0));
      assertEquals(List.of("y"), names(directory));
    }
  }

  @Test
  void whatIsListedCanBeRemovedMeanwhile() throws IOException {
    many();
    try (OpenDirectory directory = share.openDirectory(ROOT)) {
      int removed = 0;
      while (ok(directory.next(entry)) == 1) {
        String name = HostShare.name(entry);
        if (!name.startsWith(".")) {
          ok(share.unlink(ROOT, name));
          removed++;
        }
        ok(directory.seek(entry.cookie()));
      }
      assertEquals(MANY, removed);
    }
    assertTrue(share.list(ROOT).isEmpty());
  }

  @Test
  void aRemovedDirectoryHasNoEntries() throws IOException {
    Path gone = share.directory("gone");
    long node = share.node("gone");
    try (OpenDirectory directory = share.openDirectory(node)) {
      Files.delete(gone);
      fails(Errno.ENOENT, directory.next(entry));
    }
  }
}
