// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.host.HostTree;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests of a guest for a directory of the host. */
class HostDirectoryTest {
  private static final long ROOT = FileTree.ROOT;

  @TempDir Path path;
  private HostTree tree;
  private FuseDriver guest;

  @BeforeEach
  void mount() throws Exception {
    tree = new HostTree("host", path, 1000, 16);
    guest = new FuseDriver(new VirtioFs("host", tree, SharePolicy.writable())).mounted();
  }

  @AfterEach
  void close() {
    guest.close();
  }

  @Test
  void aFileIsMadeWrittenReadAndRemoved() throws Exception {
    byte[] data = "from the guest".getBytes(StandardCharsets.UTF_8);
    Answer created = guest.create(ROOT, "file", 2, 0100640).ok();
    long node = created.u64(0);
    long handle = created.u64(128);
    assertEquals(data.length, guest.write(node, handle, 0, data).ok().u32(0));
    assertArrayEquals(data, Files.readAllBytes(path.resolve("file")));
    assertArrayEquals(data, guest.read(node, handle, 0, 4096).ok().payload());
    guest.named(FuseDriver.UNLINK, ROOT, "file").ok();
    assertArrayEquals(data, guest.read(node, handle, 0, 4096).ok().payload());
    guest.release(FuseDriver.RELEASE, node, handle).ok();
    guest.getattr(node).ok();
    guest.forget(node, 1);
    guest.getattr(node).fails(Errno.ESTALE);
    guest.lookup(ROOT, "file").fails(Errno.ENOENT);
  }

  @Test
  void whatIsAppendedGoesBehindWhatTheHostHasAppended() throws Exception {
    Path log = Files.writeString(path.resolve("log"), "one\n");
    long node = guest.lookup(ROOT, "log").ok().u64(0);
    int flags = 0x401; // O_APPEND, O_WRONLY
    long handle = guest.open(node, flags).handle();
    Files.writeString(log, "two\n", StandardOpenOption.APPEND);
    byte[] data = "three\n".getBytes(StandardCharsets.UTF_8);
    guest.write(node, handle, 4, data, 0, flags).ok();
    assertEquals("one\ntwo\nthree\n", Files.readString(log));
    guest.write(node, handle, 4, "TWO".getBytes(StandardCharsets.UTF_8), 1, 0).ok();
    assertEquals("one\nTWO\nthree\n", Files.readString(log));
  }

  @Test
  void aDirectoryIsListedInParts() throws Exception {
    for (int i = 0; i < 300; i++) {
      Files.createFile(path.resolve("a-name-" + i));
    }
    for (boolean plus : new boolean[] {false, true}) {
      long handle = guest.opendir(ROOT).handle();
      Set<String> names = new HashSet<>();
      int count = 0;
      long cookie = 0;
      while (true) {
        Dirents part = Dirents.of(guest.readdir(plus, ROOT, handle, cookie, 1000), plus);
        if (part.isEmpty()) {
          break;
        }
        names.addAll(part.names());
        count += part.size();
        cookie = part.get(part.size() - 1).cookie();
      }
      assertEquals(302, count);
      assertEquals(302, names.size());
      guest.release(FuseDriver.RELEASEDIR, ROOT, handle).ok();
      assertTrue(tree.openHandles() <= 20);
    }
    assertEquals(301, tree.knownNodes());
    guest.request(FuseDriver.DESTROY, 0, new Body(), 0).ok();
    assertEquals(1, tree.knownNodes());
  }

  @Test
  void noNameLeadsUp() throws Exception {
    guest.lookup(ROOT, "..").fails(Errno.EINVAL);
    guest.lookup(ROOT, ".").fails(Errno.EINVAL);
    guest.lookup(ROOT, "a/b").fails(Errno.EINVAL);
    guest.mkdir(ROOT, "../x").fails(Errno.EINVAL);
  }
}
