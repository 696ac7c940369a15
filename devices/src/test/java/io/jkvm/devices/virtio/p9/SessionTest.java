// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The device itself, and how a session begins and ends. */
class SessionTest {
  private static final int ROOT = P9Driver.ROOT;

  @TempDir private Path temporary;

  private Virtio9p device(String tag) {
    return new Virtio9p(tag, new JavaTree("test", temporary), SharePolicy.writable());
  }

  @Test
  void theConfigurationHasTheTag() {
    Virtio9p device = device("täg");
    assertEquals(9, device.type().deviceId());
    assertEquals(VirtioType.P9_TRANSPORT, device.type());
    assertEquals(1, device.features(), "VIRTIO_9P_MOUNT_TAG");
    assertEquals(1, device.queueSizes().length);
    assertEquals(6, device.config().length());
    assertEquals(4, device.config().read(0, 2));
    assertEquals('t', device.config().read(2, 1));
    assertEquals(0xa4c3, device.config().read(3, 2));
    assertEquals(0, device.config().read(6, 4));
    device.close();
  }

  @Test
  void tagsThatCanNotBeAreRefused() {
    for (String tag : new String[] {"", "x".repeat(37), "ä".repeat(19), "a\0b"}) {
      assertThrows(IllegalArgumentException.class, () -> device(tag), tag);
    }
    device("x".repeat(36)).close();
  }

  @Test
  void theSizeIsTheSmallerOfBoth() throws Exception {
    try (P9Driver guest = new P9Driver(device("t"))) {
      assertEquals(512_000, guest.version(512_000, "9P2000.L").ok(14).u32(0));
      assertEquals("9P2000.L", guest.version(512_000, "9P2000.L").ok(14).text(6));
      assertEquals((512 << 10) + 24, guest.version(-1, "9P2000.L").ok(14).u32(0));
      assertEquals(4096, guest.version(4096, "9P2000.L").ok(14).u32(0));
      guest.version(4095, "9P2000.L").fails(Errno.EINVAL);
      guest.version(0, "9P2000.L").fails(Errno.EINVAL);
      for (String version : new String[] {"9P2000.u", "9P2000", "", "9P2000.L2", "9p2000.l"}) {
        Answer answer = guest.version(8192, version).ok(13);
        assertEquals("unknown", answer.text(6), version);
        guest.attach(ROOT, 0).fails(Errno.EPROTO);
      }
    }
  }

  @Test
  void nothingIsAnsweredBeforeTheVersion() throws Exception {
    try (P9Driver guest = new P9Driver(device("t"))) {
      for (MessageType type : MessageType.values()) {
        if (type != MessageType.TVERSION) {
          guest.request(type, new Body().raw(new byte[type.bodyBytes()])).fails(Errno.EPROTO);
        }
      }
    }
  }

  /** No message may be longer, either way. */
  @Test
  void theAgreedSizeIsKept() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.version(4096, "9P2000.L").ok();
      guest.attach(ROOT, 0).ok();
      guest.create(1, "f").ok();
      guest.write(1, 0, new byte[4096 - 23]).ok();
      guest.write(1, 0, new byte[4096 - 22]).fails(Errno.EINVAL);
      guest.read(1, 0, 4096 - 11, 8192).ok(4 + 4096 - 23);
      guest.read(1, 0, 4096 - 10, 8192).fails(Errno.EINVAL);
    }
  }

  @Test
  void anotherVersionForgetsEverything() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.mkdir(ROOT, "d").ok(13);
      guest.create(1, "f").ok();
      guest.walk(ROOT, 2, "d").ok();
      guest.lopen(2, 0).ok(17);
      guest.lock(1, 1, 0, 0, 1).ok();
      assertEquals(2, guest.device.openFiles());
      assertEquals(3, share.knownNodes.getAsInt());
      guest.version(8192, "9P2000.L").ok();
      assertEquals(0, guest.device.openFiles());
      assertEquals(1, share.knownNodes.getAsInt());
      guest.getattr(ROOT).fails(Errno.EBADF);
      guest.attach(ROOT, 0).ok();
      guest.walk(ROOT, 1, "f").ok();
      guest.lopen(1, 2).ok();
      assertEquals(0, guest.lock(1, 1, 0, 0, 2).ok(1).u8(0));
    }
  }

  @Test
  void aResetForgetsEverythingToo() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.create(1, "f").ok();
      assertEquals(1, guest.device.openFiles());
      guest.device.reset();
      assertEquals(0, guest.device.openFiles());
      assertEquals(1, share.knownNodes.getAsInt());
      guest.getattr(ROOT).fails(Errno.EPROTO);
      guest.mounted().getattr(ROOT).ok(153);
    }
  }

  @Test
  void attachTakesAnyUserAndNoProof() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      Answer root = guest.attach(7, 1000).ok(13);
      assertEquals(0x80, root.u8(0), "a directory");
      assertEquals(0, root.u32(1), "version");
      assertEquals(guest.getattr(7).ok().u64(8 + 5), root.u64(5), "inode");
      guest.attach(7, 0).fails(Errno.EEXIST);
      guest.attach(P9Driver.NO_FID, 0).fails(Errno.EINVAL);
      Body proof = new Body().u32(8).u32(7).string("u").string("/").u32(0);
      guest.request(MessageType.TATTACH, proof).fails(Errno.EBADF);
      // The tree makes nothing for other users than its owner.
      guest.mkdir(7, "d").fails(Errno.EPERM);
      guest.walk(7, 9).ok();
      guest.lcreate(9, "f", 2, 0644).fails(Errno.EPERM);
      guest.attach(10, -1).ok();
      guest.mkdir(10, "d").fails(Errno.EPERM);
      guest.mkdir(ROOT, "d").ok();
    }
  }

  @Test
  void flushAndStatfs() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.request(MessageType.TFLUSH, new Body().u16(0x1234)).ok(0);
      Answer answer = guest.of(MessageType.TSTATFS, ROOT).ok(60);
      assertEquals(0x01021997, answer.u32(0));
      assertEquals(4096, answer.u32(4));
      assertEquals(255, answer.u32(56));
      guest.of(MessageType.TSTATFS, 99).fails(Errno.EBADF);
    }
  }
}
