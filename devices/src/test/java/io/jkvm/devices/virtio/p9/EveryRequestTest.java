// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import io.jkvm.devices.virtio.testing.Buffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for messages of every type; {@link P9Driver} checks all replies. */
class EveryRequestTest {
  private static final int ROOT = P9Driver.ROOT;
  private static final int HEADER = 7;

  @TempDir private Path temporary;

  /** A message of a type that would be carried out in a directory with "f" at fid 1, open 2. */
  static Body body(MessageType type) {
    return switch (type) {
      case TSTATFS, TREADLINK, TCLUNK, TREMOVE -> new Body().u32(1);
      case TLOPEN -> new Body().u32(1).u32(2);
      case TLCREATE -> new Body().u32(3).string("new").u32(2).u32(0644).u32(0);
      case TSYMLINK -> new Body().u32(ROOT).string("new").string("target").u32(0);
      case TMKNOD -> new Body().u32(ROOT).string("new").u32(0100644).u64(0).u32(0);
      case TRENAME -> new Body().u32(1).u32(ROOT).string("new");
      case TGETATTR -> new Body().u32(1).u64(0x7ff);
      case TSETATTR -> new Body().u32(1).u32(8).u32(0).u64(0).u64(3).raw(new byte[32]);
      case TXATTRWALK -> new Body().u32(1).u32(9).string("");
      case TXATTRCREATE -> new Body().u32(1).string("user.x").u64(1).u32(0);
      case TREADDIR -> new Body().u32(4).u64(0).u32(1000);
      case TFSYNC -> new Body().u32(2).u32(0);
      case TLOCK -> new Body().u32(2).u8(1).u32(0).u64(0).u64(0).u32(1).string("c");
      case TGETLOCK -> new Body().u32(2).u8(1).u64(0).u64(0).u32(1).string("c");
      case TLINK -> new Body().u32(ROOT).u32(1).string("new");
      case TMKDIR -> new Body().u32(ROOT).string("new").u32(0755).u32(0);
      case TRENAMEAT -> new Body().u32(ROOT).string("f").u32(ROOT).string("new");
      case TUNLINKAT -> new Body().u32(ROOT).string("f").u32(0);
      case TVERSION -> new Body().u32(8192).string("9P2000.L");
      case TATTACH -> new Body().u32(9).u32(-1).string("user").string("/").u32(0);
      case TFLUSH -> new Body().u16(1);
      case TWALK -> new Body().u32(ROOT).u32(9).u16(2).string("d").string("..");
      case TREAD -> new Body().u32(2).u64(0).u32(100);
      case TWRITE -> new Body().u32(2).u64(0).u32(4).raw(new byte[4]);
    };
  }

  /** Fids 1: "f", 2: "f" open, 3: the root, 4: the root open. */
  static void prepare(SharedDirectory share) throws Exception {
    share.file("f", "text");
    Files.createDirectory(share.root.resolve("d"));
    share.guest.walk(ROOT, 1, "f").ok();
    share.guest.walk(ROOT, 2, "f").ok();
    share.guest.lopen(2, 2).ok();
    share.guest.walk(ROOT, 3).ok();
    share.guest.walk(ROOT, 4).ok();
    share.guest.lopen(4, 0).ok();
  }

  private static void assertNothingHappened(SharedDirectory share) throws Exception {
    assertEquals("text", Files.readString(share.root.resolve("f")));
    try (var list = Files.list(share.root)) {
      assertEquals(2, list.count());
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatIsSentHereIsCarriedOut(MessageType type) throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      prepare(share);
      Answer answer = share.guest.request(type, body(type));
      if (type == MessageType.TREADLINK) {
        answer.fails(Errno.EINVAL);
      } else {
        answer.ok();
      }
      assertTrue(answer.payload().length >= Math.min(4, type.replyBytes()));
      assertTrue(body(type).bytes().length >= type.bodyBytes());
    }
  }

  /** Cut off at each byte: in the header's size only, and in the buffer too. */
  @ParameterizedTest
  @EnumSource
  void messagesThatEndEarlyAreEinvalAndChangeNothing(MessageType type) throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      prepare(share);
      byte[] whole = body(type).bytes();
      for (int length = 0; length < whole.length; length++) {
        share.guest.request(type, new Body().raw(Arrays.copyOf(whole, length))).fails(Errno.EINVAL);
        share.guest.put(type.number(), HEADER + length, whole);
        Buffer request = Buffer.out(P9Driver.REQUEST, HEADER + whole.length);
        Buffer reply = Buffer.in(P9Driver.REPLY, 4096);
        share.guest.send(type.number(), 4096 - HEADER, List.of(request, reply)).fails(Errno.EINVAL);
      }
      assertNothingHappened(share);
    }
  }

  @ParameterizedTest
  @EnumSource
  void repliesThatDoNotFitAreEinvalAndChangeNothing(MessageType type) throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      prepare(share);
      for (int room = 4; room < type.replyBytes(); room++) {
        share.guest.request(type, body(type), room).fails(Errno.EINVAL);
      }
      assertNothingHappened(share);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 6, 7 + 4 + 8 + 1, 1 << 20, 0x7fff_ffffL, 0xffff_ffffL})
  void sizesInTheHeaderThatAreWrongAreEinval(long size) throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      byte[] body = new Body().u32(ROOT).u64(0).bytes();
      share.guest.put(24, (int) size, body);
      Buffer request = Buffer.out(P9Driver.REQUEST, HEADER + body.length);
      Buffer reply = Buffer.in(P9Driver.REPLY, 200);
      share.guest.send(24, 193, List.of(request, reply)).fails(Errno.EINVAL);
    }
  }

  /** A string's length says more than there is; 65535 at most. */
  @Test
  void stringsThatAreTooLongAreRefused() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      for (int length : new int[] {2, 255, 4096, 0x7fff, 0xffff}) {
        Body cut = new Body().u32(ROOT).u32(9).u16(1).u16(length).u8('x');
        guest.request(MessageType.TWALK, cut).fails(Errno.EINVAL);
        Body rest = new Body().u32(ROOT).u16(length).u8('x').u32(0755).u32(0);
        guest.request(MessageType.TMKDIR, rest).fails(Errno.EINVAL);
      }
      Body there = new Body().u32(ROOT).u32(9).u16(1).string("x".repeat(60_000));
      guest.request(MessageType.TWALK, there).fails(Errno.EINVAL);
      Body many = new Body().u32(ROOT).u32(9).u16(0xffff);
      guest.request(MessageType.TWALK, many).fails(Errno.EINVAL);
      Body user = new Body().u32(9).u32(-1).string("u".repeat(60_000)).string("/").u32(0);
      guest.request(MessageType.TATTACH, user).fails(Errno.EINVAL);
    }
  }

  @Test
  void unknownTypesAreEopnotsupp() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      int unknown = 0;
      for (int type = 0; type < 256; type++) {
        if (MessageType.of(type) == null) {
          share.guest.request(type, new Body().u64(0).u64(0), 100).fails(Errno.EOPNOTSUPP);
          unknown++;
        }
      }
      assertEquals(256 - MessageType.values().length, unknown);
    }
  }

  @Test
  void whatCanNotBeAnsweredNeedsAReset() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      P9Driver guest = share.guest;
      guest.put(24, 19, new Body().u32(0).u64(0).bytes());
      Buffer request = Buffer.out(P9Driver.REQUEST, 19);
      Buffer reply = Buffer.in(P9Driver.REPLY, 200);
      assertThrows(GuestFault.class, () -> guest.raw(Buffer.out(P9Driver.REQUEST, 6), reply));
      assertThrows(GuestFault.class, () -> guest.raw(reply));
      assertThrows(GuestFault.class, () -> guest.raw(request));
      assertThrows(GuestFault.class, () -> guest.raw(request, Buffer.in(P9Driver.REPLY, 10)));
    }
  }

  @Test
  void anyPiecesWillDo() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      prepare(share);
      Body[] bodies = {
        body(MessageType.TGETATTR), body(MessageType.TREAD), body(MessageType.TWRITE)
      };
      int[] types = {24, 116, 118};
      for (int piece = 1; piece < 64; piece += 3) {
        for (int i = 0; i < types.length; i++) {
          byte[] bytes = bodies[i].bytes();
          share.guest.put(types[i], HEADER + bytes.length, bytes);
          List<Buffer> buffers = new ArrayList<>();
          split(buffers, P9Driver.REQUEST, HEADER + bytes.length, piece, false);
          split(buffers, P9Driver.REPLY, HEADER + 160, piece, true);
          share.guest.send(types[i], 160, buffers).ok();
        }
      }
    }
  }

  private static void split(
      List<Buffer> buffers, long address, int length, int piece, boolean writable) {
    for (int at = 0; at < length; at += piece) {
      buffers.add(new Buffer(address + at, Math.min(piece, length - at), writable));
    }
  }

  private P9Driver broken(Runnable defect) throws Exception {
    FileTree tree =
        WatchedTree.of(
            new JavaTree("t", temporary),
            name -> {
              if (name.equals("lookup")) {
                defect.run();
              }
            });
    return new P9Driver(new Virtio9p("t", tree, SharePolicy.writable())).mounted();
  }

  /** A defect of a tree is an error of one request. */
  @Test
  void anExceptionIsEio() throws Exception {
    Runnable defect =
        () -> {
          throw new IllegalStateException("broken");
        };
    try (P9Driver guest = broken(defect)) {
      for (int i = 0; i < 20; i++) {
        guest.walk(ROOT, 1, "x").fails(Errno.EIO);
      }
      guest.walk(ROOT, 1).ok();
    }
  }

  /** Which ends the machine, by the queue's service. */
  @Test
  void anErrorGoesOn() throws Exception {
    Runnable defect =
        () -> {
          throw new StackOverflowError("too deep");
        };
    try (P9Driver guest = broken(defect)) {
      assertThrows(StackOverflowError.class, () -> guest.walk(ROOT, 1, "x"));
    }
  }
}
