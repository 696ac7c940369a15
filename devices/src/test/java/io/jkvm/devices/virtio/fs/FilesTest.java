// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.fs.SharedDirectory.Kind;
import io.jkvm.devices.virtio.testing.Buffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are open: their bytes, their sizes, their handles. */
class FilesTest {
  private static final long ROOT = FileTree.ROOT;
  private static final int MIB = 1 << 20;

  /** Of fallocate(2), and two that it has not. */
  private static final int[] ALL_MODES = {1, 3, 16, 17, 2, 8, 32, 64, -1};

  @TempDir private Path temporary;

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  @ParameterizedTest
  @EnumSource
  void whatIsWrittenIsReadBack(Kind kind) throws Exception {
    byte[] data = random(200_000);
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      Answer made = guest.create(ROOT, "f", 2, 0644).ok();
      final long node = made.u64(0);
      final long handle = made.u64(128);
      assertEquals(0, guest.read(node, handle, 0, 4096).ok().payload().length, "an empty file");
      assertEquals(data.length, guest.write(node, handle, 0, data).ok().u32(0));
      assertArrayEquals(data, guest.read(node, handle, 0, data.length).ok().payload());
      assertArrayEquals(data, guest.read(node, handle, 0, MIB).ok().payload(), "short at the end");
      assertArrayEquals(
          Arrays.copyOfRange(data, 70_001, 199_999),
          guest.read(node, handle, 70_001, 129_998).ok().payload());
      assertEquals(0, guest.read(node, handle, data.length, 10).ok().payload().length);
      assertEquals(0, guest.read(node, handle, Long.MAX_VALUE - 10, 10).ok().payload().length);
      assertEquals(data.length, guest.getattr(node).ok().u64(24), "size");
      assertEquals(3, guest.write(node, handle, 5000, new byte[] {1, 2, 3}).ok().u32(0));
      assertArrayEquals(new byte[] {1, 2, 3}, guest.read(node, handle, 5000, 3).ok().payload());
      guest.request(FuseDriver.FSYNC, node, new Body().u64(handle).u32(0).u32(0)).ok();
      guest.request(FuseDriver.FSYNC, node, new Body().u64(handle).u32(1).u32(0)).ok();
      guest.request(FuseDriver.SYNCFS, ROOT, new Body().u64(0)).ok();
      guest.release(FuseDriver.RELEASE, node, handle).ok();
      byte[] onHost = Files.readAllBytes(share.root.resolve("f"));
      assertEquals(data.length, onHost.length);
      assertEquals(2, onHost[5001]);
    }
  }

  /** What one handle writes another one reads, whatever each was opened for. */
  @ParameterizedTest
  @EnumSource
  void handlesShareTheFile(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      share.file("f", "before");
      final long node = share.node("f");
      final long reader = guest.open(node, 0).handle();
      assertEquals("before", guest.read(node, reader, 0, 10).ok().text());
      final long writer = guest.open(node, 1).handle();
      guest.write(node, writer, 0, "af".getBytes(StandardCharsets.UTF_8)).ok();
      assertEquals("affore", guest.read(node, reader, 0, 10).ok().text());
      guest.read(node, writer, 0, 10).fails(Errno.EBADF);
      guest.write(node, reader, 0, new byte[1]).fails(Errno.EBADF);
      final long truncating = guest.open(node, 1 | 0x200).handle();
      assertEquals(0, guest.read(node, reader, 0, 10).ok().payload().length);
      for (long handle : new long[] {reader, writer, truncating}) {
        guest.release(FuseDriver.RELEASE, node, handle).ok();
      }
      assertEquals(0, Files.size(share.root.resolve("f")));
    }
  }

  /** O_APPEND is the guest's: its kernel gives the place of each write. */
  /** O_NOATIME is the owner's alone, and an overlay opens its lower layer with it. */
  @Test
  void aTreeSeesNoFlagsButThoseItKnows() throws Exception {
    List<Integer> seen = new ArrayList<>();
    StubTree tree =
        new StubTree() {
          @Override
          public int open(Caller caller, long node, int flags, OpenResult result) {
            seen.add(flags);
            return -Errno.EACCES;
          }

          @Override
          public int create(
              Caller caller,
              long parent,
              NativeName name,
              int mode,
              int flags,
              FileAttributes entry,
              OpenResult result) {
            seen.add(flags);
            return -Errno.EACCES;
          }
        };
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      guest.open(ROOT, ~1).fails(Errno.EACCES);
      guest.create(ROOT, "f", ~1, 0644).fails(Errno.EACCES);
      int known = OpenFlags.READ_WRITE | OpenFlags.TRUNCATE | OpenFlags.SYNC;
      assertEquals(List.of(known, known | OpenFlags.EXCLUSIVE), seen);
    }
  }

  /** As a driver sends them: one page in each descriptor, in the ring or in an indirect table. */
  @ParameterizedTest
  @ValueSource(ints = {64, 128, 256, 1024})
  void requestsFillTheQueue(int queueSize) throws Exception {
    int pages = Math.min(queueSize - 4, 256);
    byte[] data = random(pages * 4096);
    JavaTree tree = new JavaTree("test", temporary);
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device, queueSize).mounted()) {
      Answer made = guest.create(ROOT, "f", 2, 0644).ok();
      for (boolean indirect : new boolean[] {false, true}) {
        Body write =
            new Body().u64(made.u64(128)).u64(0).u32(data.length).u32(0).u64(0).u64(0).raw(data);
        byte[] body = write.bytes();
        guest.put(FuseDriver.WRITE, made.u64(0), 40 + body.length, body);
        List<Buffer> buffers = new ArrayList<>();
        buffers.add(Buffer.out(FuseDriver.REQUEST, 40));
        buffers.add(Buffer.out(FuseDriver.REQUEST + 40, 40));
        pages(buffers, FuseDriver.REQUEST + 80, data.length, false);
        buffers.add(Buffer.in(FuseDriver.REPLY, 16));
        buffers.add(Buffer.in(FuseDriver.REPLY + 16, 8));
        assertEquals(24, send(guest, indirect, buffers));
        assertEquals(data.length, guest.memory.readU32(FuseDriver.REPLY + 16));
        assertArrayEquals(data, Files.readAllBytes(temporary.resolve("f")));

        Body read = new Body().u64(made.u64(128)).u64(0).u32(data.length).u32(0).u64(0).u64(0);
        body = read.bytes();
        guest.put(FuseDriver.READ, made.u64(0), 40 + body.length, body);
        buffers.clear();
        buffers.add(Buffer.out(FuseDriver.REQUEST, 40));
        buffers.add(Buffer.out(FuseDriver.REQUEST + 40, 40));
        buffers.add(Buffer.in(FuseDriver.REPLY, 16));
        pages(buffers, FuseDriver.REPLY + 4096, data.length, true);
        assertEquals(16 + data.length, send(guest, indirect, buffers));
        byte[] back = new byte[data.length];
        guest.memory.read(FuseDriver.REPLY + 4096, back, 0, back.length);
        assertArrayEquals(data, back);
      }
    }
  }

  private static void pages(List<Buffer> buffers, long address, int length, boolean writable) {
    for (int at = 0; at < length; at += 4096) {
      buffers.add(new Buffer(address + at, 4096, writable));
    }
  }

  private static int send(FuseDriver guest, boolean indirect, List<Buffer> buffers)
      throws Exception {
    Buffer[] all = buffers.toArray(Buffer[]::new);
    return indirect ? guest.rawIndirect(0x20_0000, all) : guest.raw(all);
  }

  @ParameterizedTest
  @EnumSource
  void sizesOffsetsAndHandlesAreChecked(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      Answer made = guest.create(ROOT, "f", 2, 0644).ok();
      final long node = made.u64(0);
      final long handle = made.u64(128);
      for (int size : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, MIB + 1}) {
        guest.read(node, handle, 0, size, MIB).fails(Errno.EINVAL);
        guest.write(node, handle, 0, new byte[100], size).fails(Errno.EINVAL);
      }
      guest.read(node, handle, 0, 101, 100).fails(Errno.EINVAL);
      guest.write(node, handle, 0, new byte[100], 101).fails(Errno.EINVAL);
      for (long offset : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE}) {
        guest.read(node, handle, offset, 10).fails(Errno.EINVAL);
        guest.write(node, handle, offset, new byte[10]).fails(Errno.EINVAL);
      }
      assertEquals(0, guest.write(node, handle, 0, new byte[0]).ok().u32(0));
      assertEquals(0, guest.read(node, handle, 0, 0).ok().payload().length);
      for (long bad : new long[] {-1, 0, handle + 1, handle ^ 1L << 40, Long.MIN_VALUE}) {
        guest.read(node, bad, 0, 10).fails(Errno.EBADF);
        guest.write(node, bad, 0, new byte[10]).fails(Errno.EBADF);
        guest.release(FuseDriver.RELEASE, node, bad).fails(Errno.EBADF);
        guest.request(FuseDriver.FSYNC, node, new Body().u64(bad).u64(0)).fails(Errno.EBADF);
        guest.request(FuseDriver.FALLOCATE, node, fallocate(bad, 0, 1, 0)).fails(Errno.EBADF);
        guest.request(FuseDriver.LSEEK, node, lseek(bad, 0, 3)).fails(Errno.EBADF);
        guest.request(FuseDriver.IOCTL, node, ioctl(bad, 0, 1, 4)).fails(Errno.EBADF);
        Body getattr = new Body().u32(1).u32(0).u64(bad);
        guest.request(FuseDriver.GETATTR, node, getattr).fails(Errno.EBADF);
        guest.setattr(node, 8 | 64, bad, 0, 0).fails(Errno.EBADF);
        Body from = copy(bad, 0, node, handle, 100, 10, 0);
        guest.request(FuseDriver.COPY_FILE_RANGE, node, from).fails(Errno.EBADF);
        Body to = copy(handle, 0, node, bad, 100, 10, 0);
        guest.request(FuseDriver.COPY_FILE_RANGE, node, to).fails(Errno.EBADF);
      }
      guest.read(ROOT, handle, 0, 10).fails(Errno.EBADF); // another node's
      guest.release(FuseDriver.RELEASE, node, handle).ok();
      guest.release(FuseDriver.RELEASE, node, handle).fails(Errno.EBADF);
      guest.read(node, handle, 0, 10).fails(Errno.EBADF);
      assertNotEquals(handle, guest.open(node, 0).handle());
      guest.open(node, 3).fails(Errno.EINVAL);
      guest.open(77, 0).fails(Errno.ESTALE);
    }
  }

  private static Body fallocate(long handle, long offset, long length, int mode) {
    return new Body().u64(handle).u64(offset).u64(length).u32(mode).u32(0);
  }

  private static Body lseek(long handle, long offset, int whence) {
    return new Body().u64(handle).u64(offset).u32(whence).u32(0);
  }

  private static Body ioctl(long handle, int flags, int command, int out) {
    return new Body().u64(handle).u32(flags).u32(command).u64(0).u32(0).u32(out);
  }

  private static Body copy(
      long from, long fromAt, long toNode, long to, long toAt, long length, long flags) {
    return new Body().u64(from).u64(fromAt).u64(toNode).u64(to).u64(toAt).u64(length).u64(flags);
  }

  @ParameterizedTest
  @EnumSource
  void fallocateNeverShrinks(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      Answer made = guest.create(ROOT, "f", 2, 0644).ok();
      final long node = made.u64(0);
      final long handle = made.u64(128);
      guest.request(FuseDriver.FALLOCATE, node, fallocate(handle, 0, 1024, 0)).ok();
      assertEquals(1024, guest.getattr(node).ok().u64(24));
      guest.request(FuseDriver.FALLOCATE, node, fallocate(handle, 0, 512, 0)).ok();
      assertEquals(1024, guest.getattr(node).ok().u64(24));
      int[] modes = kind == Kind.NATIVE ? new int[] {2, 8, 32, -1} : ALL_MODES;
      for (int mode : modes) {
        guest
            .request(FuseDriver.FALLOCATE, node, fallocate(handle, 0, 512, mode))
            .fails(Errno.EOPNOTSUPP);
      }
      Body none = fallocate(handle, 0, 0, 0);
      guest.request(FuseDriver.FALLOCATE, node, none).fails(Errno.EINVAL);
      Body negative = fallocate(handle, -1, 1, 0);
      guest.request(FuseDriver.FALLOCATE, node, negative).fails(Errno.EINVAL);
      Body overflow = fallocate(handle, Long.MAX_VALUE, 1, 0);
      guest.request(FuseDriver.FALLOCATE, node, overflow).fails(Errno.EFBIG);
      assertEquals(1024, guest.getattr(node).ok().u64(24));
    }
  }

  @ParameterizedTest
  @EnumSource
  void dataAndHolesAreFound(Kind kind) throws Exception {
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      share.file("f", "0123456789");
      final long node = share.node("f");
      final long handle = guest.open(node, 0).handle();
      assertEquals(3, guest.request(FuseDriver.LSEEK, node, lseek(handle, 3, 3)).ok().u64(0));
      assertEquals(10, guest.request(FuseDriver.LSEEK, node, lseek(handle, 3, 4)).ok().u64(0));
      guest.request(FuseDriver.LSEEK, node, lseek(handle, 10, 3)).fails(Errno.ENXIO);
      guest.request(FuseDriver.LSEEK, node, lseek(handle, -1, 3)).fails(Errno.ENXIO);
      guest.request(FuseDriver.LSEEK, node, lseek(handle, 0, 2)).fails(Errno.EINVAL);
      guest.request(FuseDriver.LSEEK, node, lseek(handle, 0, 5)).fails(Errno.EINVAL);
    }
  }

  /** A count of 32 bits answers a length of 64. */
  @ParameterizedTest
  @EnumSource
  void copyFileRangeAnswersWhatWasCopied(Kind kind) throws Exception {
    byte[] data = random(8192);
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      FuseDriver guest = share.guest;
      Answer from = guest.create(ROOT, "from", 2, 0644).ok();
      guest.write(from.u64(0), from.u64(128), 0, data).ok();
      Answer to = guest.create(ROOT, "to", 2, 0644).ok();
      Body body = copy(from.u64(128), 0, to.u64(0), to.u64(128), 0, 0x1_0000_1000L, 0);
      Answer copied = guest.request(FuseDriver.COPY_FILE_RANGE, from.u64(0), body).ok();
      assertEquals(8192, copied.u32(0));
      assertArrayEquals(data, guest.read(to.u64(0), to.u64(128), 0, 10_000).ok().payload());
      Body unsigned = copy(from.u64(128), 100, to.u64(0), to.u64(128), 0, -1, 0);
      copied = guest.request(FuseDriver.COPY_FILE_RANGE, from.u64(0), unsigned).ok();
      assertEquals(8092, copied.u32(0));
      Body end = copy(from.u64(128), 8192, to.u64(0), to.u64(128), 0, 10, 0);
      assertEquals(0, guest.request(FuseDriver.COPY_FILE_RANGE, from.u64(0), end).ok().u32(0));
      Body flags = copy(from.u64(128), 0, to.u64(0), to.u64(128), 0, 10, 1);
      guest.request(FuseDriver.COPY_FILE_RANGE, from.u64(0), flags).fails(Errno.EINVAL);
      Body overlap = copy(from.u64(128), 0, from.u64(0), from.u64(128), 5, 10, 0);
      guest.request(FuseDriver.COPY_FILE_RANGE, from.u64(0), overlap).fails(Errno.EINVAL);
      Body negative = copy(from.u64(128), -1, to.u64(0), to.u64(128), 5, 10, 0);
      guest.request(FuseDriver.COPY_FILE_RANGE, from.u64(0), negative).fails(Errno.EINVAL);
      Body far = copy(from.u64(128), 0, to.u64(0), to.u64(128), Long.MAX_VALUE, 10, 0);
      guest.request(FuseDriver.COPY_FILE_RANGE, from.u64(0), far).fails(Errno.EINVAL);
    }
  }

  /** Without it overlayfs can't copy a file up; any other ioctl is one that it forgives. */
  @Test
  void getflagsIsAnsweredAndOtherIoctlsAreEnotty() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      FuseDriver guest = share.guest;
      Answer made = guest.create(ROOT, "f", 2, 0644).ok();
      final long handle = made.u64(128);
      for (int command : new int[] {0x8008_6601, 0x8004_6601}) {
        for (int out : new int[] {4, 8}) {
          Body body = ioctl(handle, 0, command, out);
          Answer answer = guest.request(FuseDriver.IOCTL, made.u64(0), body).ok();
          assertArrayEquals(new byte[16 + out], answer.payload());
        }
        for (int out : new int[] {0, 3, 16, -1}) {
          Body body = ioctl(handle, 0, command, out);
          guest.request(FuseDriver.IOCTL, made.u64(0), body).fails(Errno.EINVAL);
        }
        Body body = ioctl(handle, 0, command, 8);
        guest.request(FuseDriver.IOCTL, made.u64(0), body, 23).fails(Errno.EINVAL);
      }
      for (int command : new int[] {0x4008_6602, 0x801c_581f, 0x5413, 0, -1}) {
        Body body = ioctl(handle, 0, command, 64);
        guest.request(FuseDriver.IOCTL, made.u64(0), body).fails(Errno.ENOTTY);
      }
      final long directory = guest.opendir(ROOT).handle();
      guest.request(FuseDriver.IOCTL, ROOT, ioctl(directory, 16, 0x8008_6601, 4)).ok();
      guest
          .request(FuseDriver.IOCTL, made.u64(0), ioctl(handle, 16, 0x8008_6601, 4))
          .fails(Errno.EBADF);
    }
  }

  @Test
  void openFilesAreBounded() throws Exception {
    SharePolicy policy =
        new SharePolicy(false, java.time.Duration.ZERO, false, false, true, false, 3);
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary, policy, 100)) {
      FuseDriver guest = share.guest;
      Answer first = guest.create(ROOT, "a", 2, 0644).ok();
      guest.open(first.u64(0), 0).handle();
      guest.open(first.u64(0), 0).handle();
      guest.open(first.u64(0), 0).fails(Errno.EMFILE);
      guest.create(ROOT, "b", 2, 0644).fails(Errno.EMFILE);
      guest.lookup(ROOT, "b").fails(Errno.ENOENT);
      guest.release(FuseDriver.RELEASE, first.u64(0), first.u64(128)).ok();
      for (int i = 0; i < 10; i++) {
        guest.open(4711, 0).fails(Errno.ESTALE); // gives its place back
        guest.create(4711, "b", 2, 0644).fails(Errno.ESTALE);
      }
      guest.open(first.u64(0), 0).handle();
    }
  }
}
