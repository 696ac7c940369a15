// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.fs.SharedDirectory.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A read-only share is so in the device, whatever the guest's mount says. */
class ReadOnlyTest {
  private static final long ROOT = FileTree.ROOT;

  @TempDir private Path temporary;

  @ParameterizedTest
  @EnumSource
  void everyChangeIsErofs(Kind kind) throws Exception {
    try (SharedDirectory share =
        new SharedDirectory(kind, temporary, SharePolicy.readOnlyCached(), 100)) {
      FuseDriver guest = share.guest;
      Path file = share.file("f", "text");
      Files.createDirectory(share.root.resolve("d"));
      final FileTime time = Files.getLastModifiedTime(file);
      final long node = share.node("f");
      final Answer opened = guest.open(node, 0).ok();
      final long handle = opened.u64(0);
      assertEquals(2, opened.u32(8), "KEEP_CACHE");
      for (int flags : new int[] {1, 2, 0x200, 0x201}) {
        guest.open(node, flags).fails(Errno.EROFS);
      }
      guest.create(ROOT, "f", 0, 0644).fails(Errno.EROFS);
      guest.create(ROOT, "new", 2, 0644).fails(Errno.EROFS);
      guest.write(node, handle, 0, new byte[10]).fails(Errno.EROFS);
      for (int valid : new int[] {1, 2, 4, 8, 16, 32, 128, 256, 16 | 128, 0, 64}) {
        guest.setattr(node, valid, handle, 0, 0600).fails(Errno.EROFS);
      }
      guest.mkdir(ROOT, "new").fails(Errno.EROFS);
      Body mknod = new Body().u32(0x8000 | 0644).u32(0).u32(0).u32(0).name("new");
      guest.request(FuseDriver.MKNOD, ROOT, mknod).fails(Errno.EROFS);
      Body symlink = new Body().name("new").name("f");
      guest.request(FuseDriver.SYMLINK, ROOT, symlink).fails(Errno.EROFS);
      guest.link(node, ROOT, "new").fails(Errno.EROFS);
      guest.rename(ROOT, "f", ROOT, "new", 0).fails(Errno.EROFS);
      Body rename = new Body().u64(ROOT).name("f").name("new");
      guest.request(FuseDriver.RENAME, ROOT, rename).fails(Errno.EROFS);
      guest.named(FuseDriver.UNLINK, ROOT, "f").fails(Errno.EROFS);
      guest.named(FuseDriver.RMDIR, ROOT, "d").fails(Errno.EROFS);
      Body setxattr = new Body().u32(1).u32(0).name("user.x").raw(new byte[1]);
      guest.request(FuseDriver.SETXATTR, node, setxattr).fails(Errno.EROFS);
      guest.request(FuseDriver.REMOVEXATTR, node, new Body().name("user.x")).fails(Errno.EROFS);
      Body allocate = new Body().u64(handle).u64(0).u64(4096).u64(0);
      guest.request(FuseDriver.FALLOCATE, node, allocate).fails(Errno.EROFS);
      Body copy = new Body().u64(handle).u64(0).u64(node).u64(handle).u64(2).u64(1).u64(0);
      guest.request(FuseDriver.COPY_FILE_RANGE, node, copy).fails(Errno.EROFS);

      assertEquals("text", guest.read(node, handle, 0, 100).ok().text());
      guest.request(FuseDriver.SYNCFS, ROOT, new Body().u64(0)).ok();
      guest.request(FuseDriver.FSYNC, node, new Body().u64(handle).u64(0)).ok();
      assertEquals(2 | 8, guest.opendir(ROOT).ok().u32(8), "KEEP_CACHE and CACHE_DIR");
      assertEquals("text", Files.readString(file));
      assertEquals(time, Files.getLastModifiedTime(file));
      try (var list = Files.list(share.root)) {
        assertEquals(2, list.count());
      }
    }
  }

  /** Before the tree is asked. */
  @Test
  void theTreeHearsNothingOfIt() throws Exception {
    StubTree tree = new StubTree();
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.readOnlyFresh());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      for (FuseOpcode opcode : FuseOpcode.values()) {
        Body body = new Body().raw(new byte[opcode.bodyBytes()]).name("x").name("y");
        if (opcode.changes()) {
          guest.request(opcode.number(), ROOT, body).fails(Errno.EROFS);
        }
      }
      assertEquals(0, tree.changes.get());
    }
  }

  /** What the host has not yet written is much, and none of it is the guest's. */
  @Test
  void nothingOfTheHostsIsSynchronized() throws Exception {
    AtomicInteger syncs = new AtomicInteger();
    StubTree tree =
        new StubTree() {
          @Override
          public int open(Caller caller, long node, int flags, OpenResult result) {
            result.set(
                new StubFile() {
                  @Override
                  public int sync(boolean dataOnly) {
                    return syncs.incrementAndGet();
                  }
                });
            return 0;
          }

          @Override
          public int sync() {
            return syncs.incrementAndGet();
          }
        };
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.readOnlyFresh());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      long handle = guest.open(2, 0).ok().u64(0);
      guest.request(FuseDriver.FSYNC, 2, new Body().u64(handle).u64(0)).ok();
      guest.request(FuseDriver.FSYNC, 2, new Body().u64(handle + 1).u64(0)).fails(Errno.EBADF);
      guest.request(FuseDriver.SYNCFS, ROOT, new Body().u64(0)).ok();
      assertEquals(0, syncs.get());
    }
  }

  /** Linux asks for none again after ENOSYS; an overlay would with each name. */
  @Test
  void aCachedShareHasNoExtendedAttributes() throws Exception {
    Body getxattr = new Body().u32(100).u32(0).name("user.x");
    for (boolean cached : new boolean[] {false, true}) {
      SharePolicy policy = cached ? SharePolicy.readOnlyCached() : SharePolicy.readOnlyFresh();
      Path directory = Files.createDirectory(temporary.resolve(cached ? "cached" : "fresh"));
      try (SharedDirectory share = new SharedDirectory(Kind.HOST, directory, policy, 100)) {
        share
            .guest
            .request(FuseDriver.GETXATTR, ROOT, getxattr, 100)
            .fails(cached ? Errno.ENOSYS : Errno.ENODATA);
      }
    }
  }

  /** How long a guest may believe what it was told. */
  @Test
  void cachingIsThePolicys() throws Exception {
    SharePolicy cached = SharePolicy.readOnlyCached();
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary, cached, 100)) {
      share.file("f", "");
      Answer found = share.guest.lookup(ROOT, "f").ok();
      assertEquals(86_400, found.u64(16), "entry_valid");
      assertEquals(86_400, found.u64(24), "attr_valid");
      Answer missing = share.guest.lookup(ROOT, "missing").ok();
      assertEquals(0, missing.u64(0), "no node");
      assertEquals(86_400, missing.u64(16));
      assertEquals(86_400, share.guest.getattr(found.u64(0)).ok().u64(0));
    }
    Path other = Files.createDirectory(temporary.resolve("other"));
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, other)) {
      share.file("f", "");
      Answer found = share.guest.lookup(ROOT, "f").ok();
      assertEquals(1, found.u64(16));
      assertEquals(0, found.u32(32));
      share.guest.lookup(ROOT, "missing").fails(Errno.ENOENT);
      assertEquals(0, share.guest.open(found.u64(0), 0).ok().u32(8));
      assertEquals(0, share.guest.opendir(ROOT).ok().u32(8));
    }
  }
}
