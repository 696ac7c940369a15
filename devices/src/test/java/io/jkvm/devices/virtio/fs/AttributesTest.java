// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.fs.SharedDirectory.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Attributes, plain and extended. */
class AttributesTest {
  private static final long ROOT = FileTree.ROOT;
  private static final int MODE_AT = 16 + 60;
  private static final int SIZE_AT = 16 + 8;
  private static final int MTIME_AT = 16 + 32;
  private static final int MTIME_NANOS_AT = 16 + 52;

  @TempDir private Path temporary;

  @Test
  void attributesAreThoseOfTheFile() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      Path file = share.file("f", "12345");
      Files.setAttribute(file, "unix:mode", 0640);
      Files.setLastModifiedTime(file, FileTime.from(Instant.ofEpochSecond(1, 123_456_789)));
      Answer answer = share.guest.getattr(share.node("f")).ok();
      assertEquals(104, answer.payload().length);
      assertEquals(5, answer.u64(SIZE_AT));
      assertEquals(1, answer.u64(16 + 16), "blocks");
      assertEquals(1, answer.u64(MTIME_AT));
      assertEquals(123_456_789, answer.u32(MTIME_NANOS_AT));
      assertEquals(0x8000 | 0640, answer.u32(MODE_AT));
      assertEquals(1, answer.u32(16 + 64), "links");
      assertEquals(0, answer.u32(16 + 68), "uid");
      assertEquals(4096, answer.u32(16 + 80), "blksize");
      assertEquals(0, answer.u32(16 + 84), "flags");
      assertEquals(0x4000, share.guest.getattr(ROOT).ok().u32(MODE_AT) & 0xf000);
      share.guest.getattr(12345).fails(Errno.ESTALE);
    }
  }

  @ParameterizedTest
  @EnumSource
  void timesAreExactAndSizesChange(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      share.file("f", "12345");
      final long node = share.node("f");
      Body times = FuseDriver.setattrBody(16 | 32, 0, 0, 0, 1_000_000_001L, 123_456_789, 0);
      Answer answer = guest.request(FuseDriver.SETATTR, node, times, 104).ok();
      assertEquals(1_000_000_001L, answer.u64(MTIME_AT));
      if (kind == Kind.HOST) {
        assertEquals(123_456_789, answer.u32(MTIME_NANOS_AT));
        assertEquals(
            123_456_789, Files.getLastModifiedTime(share.root.resolve("f")).toInstant().getNano());
      }
      Body now = FuseDriver.setattrBody(16 | 32 | 128 | 256, 0, 0, 0, 5, -1, 0);
      answer = guest.request(FuseDriver.SETATTR, node, now, 104).ok();
      assertEquals(true, answer.u64(MTIME_AT) > 1_600_000_000L, "now");
      for (int nanos : new int[] {1_000_000_000, -1, Integer.MIN_VALUE}) {
        Body bad = FuseDriver.setattrBody(32, 0, 0, 0, 5, nanos, 0);
        guest.request(FuseDriver.SETATTR, node, bad, 104).fails(Errno.EINVAL);
        Body badAccess = FuseDriver.setattrBody(16, 0, 0, 0, 5, nanos, 0);
        guest.request(FuseDriver.SETATTR, node, badAccess, 104).fails(Errno.EINVAL);
      }
      assertEquals(3, guest.setattr(node, 8, 0, 3, 0).ok().u64(SIZE_AT));
      assertEquals("123", Files.readString(share.root.resolve("f")));
      assertEquals(6, guest.setattr(node, 8, 0, 6, 0).ok().u64(SIZE_AT));
      assertArrayEquals(
          new byte[] {'1', '2', '3', 0, 0, 0}, Files.readAllBytes(share.root.resolve("f")));
      guest.setattr(node, 8, 0, -1, 0).fails(Errno.EINVAL);
      guest.setattr(node, 8, 0, Long.MIN_VALUE, 0).fails(Errno.EINVAL);
      guest.setattr(ROOT, 8, 0, 0, 0).fails(Errno.EISDIR);
      guest.setattr(node, 0, 0, 0, 0).ok();
    }
  }

  /** Not on the host, for any of its users to run. */
  @Test
  void setIdBitsAreLeftOutButForADirectorysGroup() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      FuseDriver guest = share.guest;
      final long file = guest.create(ROOT, "f", 2, 06755).ok().u64(0);
      assertEquals(0755, guest.getattr(file).ok().u32(MODE_AT) & 07777);
      assertEquals(0711, guest.setattr(file, 1, 0, 0, 06711).ok().u32(MODE_AT) & 07777);
      // The type in the request is the guest's word only.
      assertEquals(0711, guest.setattr(file, 1, 0, 0, 0x4000 | 02711).ok().u32(MODE_AT) & 07777);
      assertEquals(01711, guest.setattr(file, 1, 0, 0, 01711).ok().u32(MODE_AT) & 07777);
      Body mknod = new Body().u32(0x8000 | 06755).u32(0).u32(0).u32(0).name("n");
      final long made = guest.request(FuseDriver.MKNOD, ROOT, mknod, 128).node();
      assertEquals(0755, guest.getattr(made).ok().u32(MODE_AT) & 07777);
      Body mkdir = new Body().u32(06770).u32(0).name("d");
      final long directory = guest.request(FuseDriver.MKDIR, ROOT, mkdir, 128).node();
      assertEquals(02770, guest.getattr(directory).ok().u32(MODE_AT) & 07777);
      assertEquals(02700, guest.setattr(directory, 1, 0, 0, 06700).ok().u32(MODE_AT) & 07777);
      guest.setattr(99, 1, 0, 0, 06700).fails(Errno.ESTALE);
    }
  }

  @Test
  void aPolicyCanAllowSetIdBits() throws Exception {
    SharePolicy policy =
        new SharePolicy(false, java.time.Duration.ZERO, false, true, true, false, 10);
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary, policy, 100)) {
      final long file = share.guest.create(ROOT, "f", 2, 04755).ok().u64(0);
      assertEquals(04755, share.guest.getattr(file).ok().u32(MODE_AT) & 07777);
    }
  }

  /** Everything goes on until the last close, for the handle and for the node. */
  @ParameterizedTest
  @EnumSource
  void anUnlinkedFileIsStillAFile(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      for (boolean renamedOver : new boolean[] {false, true}) {
        Answer made = guest.create(ROOT, "f", 2, 0644).ok();
        final long node = made.u64(0);
        final long handle = made.u64(128);
        guest.write(node, handle, 0, "before".getBytes(StandardCharsets.UTF_8)).ok();
        if (renamedOver) {
          share.file("other", "other");
          guest.rename(ROOT, "other", ROOT, "f", 0).ok();
        } else {
          guest.named(FuseDriver.UNLINK, ROOT, "f").ok();
          guest.lookup(ROOT, "f").fails(Errno.ENOENT);
        }
        Body fstat = new Body().u32(1).u32(0).u64(handle);
        Answer stat = guest.request(FuseDriver.GETATTR, node, fstat, 104).ok();
        assertEquals(6, stat.u64(SIZE_AT));
        assertEquals(0, stat.u32(16 + 64), "links");
        assertEquals("before", guest.read(node, handle, 0, 100).ok().text());
        assertEquals(2, guest.setattr(node, 8 | 64, handle, 2, 0).ok().u64(SIZE_AT));
        guest.write(node, handle, 2, "after".getBytes(StandardCharsets.UTF_8)).ok();
        assertEquals("beafter", guest.read(node, handle, 0, 100).ok().text());
        assertEquals(0600, guest.setattr(node, 1 | 64, handle, 0, 0600).ok().u32(MODE_AT) & 07777);
        assertEquals(0600, guest.getattr(node).ok().u32(MODE_AT) & 07777);
        Body chown = FuseDriver.setattrBody(2 | 4 | 64, handle, 0, 0, 0, 0, 0);
        guest.request(FuseDriver.SETATTR, node, chown, 104).ok();
        assertEquals(7, guest.getattr(node).ok().u64(SIZE_AT));
        guest.release(FuseDriver.RELEASE, node, handle).ok();
        guest.forget(node, 1);
        guest.getattr(node).fails(Errno.ESTALE);
        assertEquals(renamedOver, Files.exists(share.root.resolve("f")), "it came back");
        if (renamedOver) {
          assertEquals("other", Files.readString(share.root.resolve("f")));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void statfsAnswers(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      Answer answer = share.guest.request(FuseDriver.STATFS, ROOT, new Body(), 80).ok();
      assertEquals(80, answer.payload().length);
      assertEquals(4096, answer.u32(40), "bsize");
      assertEquals(255, answer.u32(44), "namelen");
      assertEquals(4096, answer.u32(48), "frsize");
    }
  }

  private static Body getxattr(int size, String name) {
    return new Body().u32(size).u32(0).name(name);
  }

  private static Body setxattr(int size, int flags, String name, String value) {
    return new Body().u32(size).u32(flags).name(name).raw(value.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void extendedAttributesOfUsersAreKept() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      Path file = share.file("f", "");
      assumeTrue(
          Files.getFileStore(file).supportsFileAttributeView(UserDefinedFileAttributeView.class),
          "this host's file system has no extended attributes");
      FuseDriver guest = share.guest;
      final long node = share.node("f");
      guest.request(FuseDriver.GETXATTR, node, getxattr(0, "user.a")).fails(Errno.ENODATA);
      guest
          .request(FuseDriver.SETXATTR, node, setxattr(5, 2, "user.a", "value"))
          .fails(Errno.ENODATA);
      guest.request(FuseDriver.SETXATTR, node, setxattr(5, 1, "user.a", "value")).ok();
      guest
          .request(FuseDriver.SETXATTR, node, setxattr(5, 1, "user.a", "value"))
          .fails(Errno.EEXIST);
      guest.request(FuseDriver.SETXATTR, node, setxattr(5, 2, "user.a", "VALUE")).ok();
      Answer size = guest.request(FuseDriver.GETXATTR, node, getxattr(0, "user.a"), 8).ok();
      assertEquals(5, size.u32(0));
      assertEquals(8, size.payload().length);
      Answer value = guest.request(FuseDriver.GETXATTR, node, getxattr(5, "user.a"), 5).ok();
      assertEquals("VALUE", value.text());
      guest.request(FuseDriver.GETXATTR, node, getxattr(4, "user.a")).fails(Errno.ERANGE);
      Body list = new Body().u32(100).u32(0);
      assertEquals("user.a\0", guest.request(FuseDriver.LISTXATTR, node, list).ok().text());
      Body listSize = new Body().u32(0).u32(0);
      assertEquals(7, guest.request(FuseDriver.LISTXATTR, node, listSize).ok().u32(0));
      guest.request(FuseDriver.LISTXATTR, node, new Body().u32(6).u32(0)).fails(Errno.ERANGE);
      guest.request(FuseDriver.REMOVEXATTR, node, new Body().name("user.a")).ok();
      guest.request(FuseDriver.REMOVEXATTR, node, new Body().name("user.a")).fails(Errno.ENODATA);
      assertEquals(0, guest.request(FuseDriver.LISTXATTR, node, list).ok().payload().length);
    }
  }

  /** A label of the host's must not keep overlayfs from copying a file. */
  @Test
  void otherNamespacesAreTheHosts() throws Exception {
    StubTree tree =
        new StubTree() {
          @Override
          public int extendedAttributeNames(
              long node, io.jkvm.core.linux.NativeMemory names, int size) {
            byte[] all =
                "security.selinux\0user.a\0system.posix_acl_access\0security.capability\0trusted.x\0"
                    .getBytes(StandardCharsets.UTF_8);
            names.buffer().put(0, all);
            return all.length;
          }
        };
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      for (String name :
          new String[] {"security.selinux", "system.posix_acl_access", "trusted.x", "x", "user"}) {
        guest.request(FuseDriver.GETXATTR, ROOT, getxattr(0, name)).fails(Errno.EOPNOTSUPP);
        guest.request(FuseDriver.SETXATTR, ROOT, setxattr(1, 0, name, "v")).fails(Errno.EOPNOTSUPP);
        guest.request(FuseDriver.REMOVEXATTR, ROOT, new Body().name(name)).fails(Errno.EOPNOTSUPP);
      }
      String capability = "security.capability";
      guest.request(FuseDriver.GETXATTR, ROOT, getxattr(0, capability)).fails(Errno.ENODATA);
      guest
          .request(FuseDriver.SETXATTR, ROOT, setxattr(1, 0, capability, "v"))
          .fails(Errno.EOPNOTSUPP);
      assertEquals(0, tree.changes.get());
      Body list = new Body().u32(100).u32(0);
      assertEquals(
          "user.a\0security.capability\0",
          guest.request(FuseDriver.LISTXATTR, ROOT, list).ok().text());
    }
  }

  @Test
  void sizesOfExtendedAttributesAreChecked() throws Exception {
    StubTree tree = new StubTree();
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      guest
          .request(FuseDriver.SETXATTR, ROOT, setxattr(6, 0, "user.a", "short"))
          .fails(Errno.EINVAL);
      for (int size : new int[] {-1, 65_537, Integer.MIN_VALUE}) {
        guest
            .request(FuseDriver.SETXATTR, ROOT, setxattr(size, 0, "user.a", "short"))
            .fails(Errno.E2BIG);
        guest.request(FuseDriver.GETXATTR, ROOT, getxattr(size, "user.a")).fails(Errno.EINVAL);
      }
      guest
          .request(FuseDriver.SETXATTR, ROOT, setxattr(5, 3, "user.a", "short"))
          .fails(Errno.EINVAL);
      guest.request(FuseDriver.GETXATTR, ROOT, getxattr(100, "user.a"), 99).fails(Errno.EINVAL);
      guest.request(FuseDriver.GETXATTR, ROOT, getxattr(0, "user.a"), 7).fails(Errno.EINVAL);
      guest.request(FuseDriver.GETXATTR, ROOT, getxattr(0, "")).fails(Errno.EINVAL);
      String longName = "user." + "x".repeat(251);
      guest.request(FuseDriver.GETXATTR, ROOT, getxattr(0, longName)).fails(Errno.ENAMETOOLONG);
      assertEquals(0, tree.changes.get());
    }
  }

  /** Once, and the guest's kernel asks no more. */
  @Test
  void noExtendedAttributesAreEnosys() throws Exception {
    SharePolicy none =
        new SharePolicy(false, java.time.Duration.ZERO, false, false, false, false, 10);
    VirtioFs device = new VirtioFs("test", new StubTree(), none);
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      guest.request(FuseDriver.GETXATTR, ROOT, getxattr(0, "user.a")).fails(Errno.ENOSYS);
      guest.request(FuseDriver.SETXATTR, ROOT, setxattr(1, 0, "user.a", "v")).fails(Errno.ENOSYS);
      guest.request(FuseDriver.LISTXATTR, ROOT, new Body().u64(0)).fails(Errno.ENOSYS);
      guest.request(FuseDriver.REMOVEXATTR, ROOT, new Body().name("user.a")).fails(Errno.ENOSYS);
    }
  }
}
