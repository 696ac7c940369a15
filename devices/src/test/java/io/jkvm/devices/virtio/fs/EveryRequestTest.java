// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.fs.SharedDirectory.Kind;
import io.jkvm.devices.virtio.testing.Buffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for requests of every kind, the polite and the hostile; {@link FuseDriver} checks. */
class EveryRequestTest {
  private static final int ANY = 64;

  @TempDir private Path temporary;

  private FuseDriver stub() throws Exception {
    return new FuseDriver(new VirtioFs("test", new StubTree(), SharePolicy.writable())).mounted();
  }

  /** Linux falls back when it is told ENOSYS, and does not ask again. */
  @Test
  void unknownOpcodesAreEnosys() throws Exception {
    try (FuseDriver guest = stub()) {
      List<Integer> numbers = new ArrayList<>(List.of(-1, 4096, 1 << 20, Integer.MIN_VALUE));
      for (int number = 0; number < 80; number++) {
        if (FuseOpcode.of(number) == null) {
          numbers.add(number);
        }
      }
      // Locks, ACCESS, FLUSH, INTERRUPT, BMAP, POLL, TMPFILE, STATX, COPY_FILE_RANGE_64.
      assertTrue(numbers.containsAll(List.of(31, 32, 33, 34, 25, 36, 37, 40, 51, 52, 53)));
      for (int number : numbers) {
        guest.request(number, FileTree.ROOT, new Body().u64(0).u64(0).u64(0)).fails(Errno.ENOSYS);
      }
    }
  }

  @Test
  void lookupIsNeverEnosys() throws Exception {
    StubTree tree =
        new StubTree() {
          @Override
          public int lookup(
              long parent,
              io.jkvm.core.linux.files.NativeName name,
              io.jkvm.devices.files.FileAttributes entry) {
            return -Errno.ENOSYS;
          }
        };
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      guest.lookup(FileTree.ROOT, "x").fails(Errno.EIO);
    }
  }

  @ParameterizedTest
  @EnumSource
  void bodiesThatAreTooShortAreEinval(FuseOpcode opcode) throws Exception {
    if (opcode.bodyBytes() == 0 || opcode.isForget()) {
      return;
    }
    try (FuseDriver guest = stub()) {
      for (int length = 0; length < opcode.bodyBytes(); length++) {
        guest
            .request(opcode.number(), FileTree.ROOT, new Body().raw(new byte[length]))
            .fails(Errno.EINVAL);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void repliesThatDoNotFitAreEinval(FuseOpcode opcode) throws Exception {
    if (opcode.replyBytes() == 0) {
      return;
    }
    StubTree tree = new StubTree();
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      Body body = new Body().raw(new byte[opcode.bodyBytes()]).name("x").name("y");
      for (int room = 0; room < opcode.replyBytes(); room++) {
        guest.request(opcode.number(), FileTree.ROOT, body, room).fails(Errno.EINVAL);
      }
      assertEquals(0, tree.changes.get(), "a file was made and its node could not be told");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 39, 41 + 20, 1 << 20, 0x7fff_ffffL, 0xffff_ffffL})
  void lengthsInTheHeaderThatAreWrongAreEinval(long length) throws Exception {
    try (FuseDriver guest = stub()) {
      byte[] body = new Body().u64(0).u64(0).bytes();
      guest.put(FuseDriver.GETATTR, FileTree.ROOT, (int) length, body);
      guest
          .send(
              104,
              List.of(
                  Buffer.out(FuseDriver.REQUEST, 40 + body.length),
                  Buffer.in(FuseDriver.REPLY, 16 + 104)))
          .fails(Errno.EINVAL);
    }
  }

  /** Such as a BATCH_FORGET of 4 GiB, which would take its time. */
  @Test
  void longRequestsAreNoneWhateverTheBuffers() throws Exception {
    AtomicLong forgotten = new AtomicLong();
    StubTree tree =
        new StubTree() {
          @Override
          public void forget(long node, long count) {
            forgotten.incrementAndGet();
          }
        };
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      for (int more : new int[] {0, 1}) {
        int length = FuseRequest.MAX_LENGTH + more;
        Buffer request = Buffer.out(FuseDriver.REQUEST, FuseRequest.MAX_LENGTH + 100);
        byte[] body = new Body().u32((length - 48) / 16).u32(0).bytes();
        guest.put(FuseDriver.BATCH_FORGET, 0, length, body);
        assertEquals(0, guest.raw(request));
        assertEquals((FuseRequest.MAX_LENGTH - 48) / 16, forgotten.get());
        guest.put(FuseDriver.GETATTR, FileTree.ROOT, length, new byte[16]);
        Answer answer = guest.send(104, List.of(request, Buffer.in(FuseDriver.REPLY, 16 + 104)));
        assertEquals(more == 0 ? 0 : Errno.EINVAL, answer.error());
      }
    }
  }

  /** A longer buffer than the request is the driver's business. */
  @Test
  void aRequestEndsWhereItsHeaderSays() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      share.file("name", "");
      byte[] body = new Body().name("name").name("more").bytes();
      share.guest.put(FuseDriver.LOOKUP, FileTree.ROOT, 40 + 5, body);
      Buffer reply = Buffer.in(FuseDriver.REPLY, 16 + 128);
      Buffer request = Buffer.out(FuseDriver.REQUEST, 40 + body.length);
      share.guest.send(128, List.of(request, reply)).node();
      share.guest.put(FuseDriver.LOOKUP, FileTree.ROOT, 40 + 4, body); // without the NUL
      share.guest.send(128, List.of(request, reply)).fails(Errno.EINVAL);
    }
  }

  @Test
  void whatCanNotBeAnsweredNeedsAReset() throws Exception {
    try (FuseDriver guest = stub()) {
      guest.put(FuseDriver.GETATTR, FileTree.ROOT, 40, new byte[0]);
      Buffer request = Buffer.out(FuseDriver.REQUEST, 40);
      Buffer half = Buffer.out(FuseDriver.REQUEST, 39);
      Buffer reply = Buffer.in(FuseDriver.REPLY, 200);
      assertThrows(GuestFault.class, () -> guest.raw(half, reply));
      assertThrows(GuestFault.class, () -> guest.raw(reply));
    }
    try (FuseDriver guest = stub()) {
      guest.put(FuseDriver.GETATTR, FileTree.ROOT, 40, new byte[0]);
      Buffer request = Buffer.out(FuseDriver.REQUEST, 40);
      assertThrows(GuestFault.class, () -> guest.raw(request, Buffer.in(FuseDriver.REPLY, 15)));
      assertThrows(GuestFault.class, () -> guest.raw(request));
    }
  }

  /** Linux sends none to a device; another driver's are answered if they can be. */
  @Test
  void interruptsNeedNoRoomForAReply() throws Exception {
    try (FuseDriver guest = stub()) {
      byte[] body = new Body().u64(1).bytes();
      guest.put(FuseOpcode.INTERRUPT, 0, 40 + body.length, body);
      Buffer request = Buffer.out(FuseDriver.REQUEST, 40 + body.length);
      assertEquals(0, guest.raw(request));
      assertEquals(0, guest.raw(request, Buffer.in(FuseDriver.REPLY, 15)));
      guest.send(0, List.of(request, Buffer.in(FuseDriver.REPLY, 16))).fails(Errno.ENOSYS);
    }
  }

  /** With and without room for a reply, which they don't get. */
  @Test
  void forgetsAreAnsweredWithNothing() throws Exception {
    try (FuseDriver guest = stub()) {
      Buffer reply = Buffer.in(FuseDriver.REPLY, 200);
      for (int opcode : new int[] {FuseDriver.FORGET, FuseDriver.BATCH_FORGET}) {
        for (int length : new int[] {0, 4, 8, 16, 24}) {
          byte[] body = new byte[length];
          guest.put(opcode, 77, 40 + length, body);
          Buffer request = Buffer.out(FuseDriver.REQUEST, 40 + length);
          assertEquals(0, guest.raw(request));
          assertEquals(0, guest.raw(request, reply));
        }
        byte[] body = new Body().u32(-1).u32(0).u64(1).u64(1).bytes();
        guest.put(opcode, 77, 40 + body.length, body);
        assertEquals(0, guest.raw(Buffer.out(FuseDriver.REQUEST, 40 + body.length)));
      }
    }
  }

  /** Header, structure, names and replies in pieces of any size. */
  @Test
  void anyPiecesWillDo() throws Exception {
    try (SharedDirectory share = new SharedDirectory(Kind.HOST, temporary)) {
      share.file("name", "");
      byte[] body = new Body().name("name").bytes();
      for (int piece = 1; piece < 64; piece += 3) {
        share.guest.put(FuseDriver.LOOKUP, FileTree.ROOT, 40 + body.length, body);
        List<Buffer> buffers = new ArrayList<>();
        split(buffers, FuseDriver.REQUEST, 40 + body.length, piece, false);
        split(buffers, FuseDriver.REPLY, 16 + 128, piece, true);
        share.guest.send(128, buffers).node();
      }
    }
  }

  private static void split(
      List<Buffer> buffers, long address, int length, int piece, boolean writable) {
    for (int at = 0; at < length; at += piece) {
      buffers.add(new Buffer(address + at, Math.min(piece, length - at), writable));
    }
  }

  /** Each opcode with bytes of any kind: always a whole answer, and nothing outside is touched. */
  @ParameterizedTest
  @CsvSource({"HOST,1", "HOST,2", "NATIVE,3", "NATIVE,4", "NATIVE,5"})
  void hostileRequestsGetAnswersAndChangeNothingOutside(Kind kind, int seed) throws Exception {
    Path secret = Files.writeString(temporary.resolve("outside"), "secret");
    Random random = new Random(seed);
    String[] names = {"a", "b", "..", ".", "", "/etc", "a/b", "../outside", "x".repeat(256), "d"};
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      Files.createSymbolicLink(share.root.resolve("evil"), temporary);
      Files.createDirectory(share.root.resolve("d"));
      share.file("a", "12345");
      List<Long> nodes = new ArrayList<>(List.of(0L, 1L, -1L, 1L << 40));
      List<Long> handles = new ArrayList<>(List.of(0L, -1L, 1L << 32, Long.MAX_VALUE));
      for (String name : List.of("a", "d", "evil")) {
        nodes.add(share.node(name));
      }
      int good = 0;
      for (int i = 0; i < 4000; i++) {
        FuseOpcode opcode = FuseOpcode.values()[random.nextInt(FuseOpcode.values().length)];
        if (opcode.isForget() || opcode == FuseOpcode.INIT || opcode == FuseOpcode.DESTROY) {
          continue;
        }
        Body body = new Body();
        for (int at = 0; at < opcode.bodyBytes() && opcode.bodyBytes() > 1; at += 8) {
          body.u64(number(random, nodes, handles));
        }
        body.name(names[random.nextInt(names.length)]).name(names[random.nextInt(names.length)]);
        long node = nodes.get(random.nextInt(nodes.size()));
        int room = random.nextInt(4) == 0 ? random.nextInt(300) : ANY * 4;
        Answer answer = share.guest.request(opcode.number(), node, body, room);
        if (answer.error() == 0) {
          good++;
          if (answer.payload().length == 128 || answer.payload().length == 144) {
            nodes.add(answer.u64(0));
          }
          if (answer.payload().length == 16) {
            handles.add(answer.u64(0));
          }
        }
      }
      assertTrue(good > 200, good + " requests were carried out");
      share.guest.getattr(FileTree.ROOT).ok();
      assertEquals("secret", Files.readString(secret));
      Files.setPosixFilePermissions(share.root, PosixFilePermissions.fromString("rwx------"));
      try (var list = Files.list(temporary)) {
        assertEquals(2, list.count(), "something appeared outside");
      }
    }
  }

  private static long number(Random random, List<Long> nodes, List<Long> handles) {
    return switch (random.nextInt(8)) {
      case 0 -> random.nextLong();
      case 1 -> -1;
      case 2 -> nodes.get(random.nextInt(nodes.size()));
      case 3, 4 -> handles.get(random.nextInt(handles.size()));
      case 5 -> random.nextInt(5000);
      case 6 -> Long.MAX_VALUE - random.nextInt(5000);
      default -> 0;
    };
  }

  /** A defect of a tree is an error of one request. */
  @Test
  void anExceptionIsEio() throws Exception {
    StubTree tree =
        new StubTree() {
          @Override
          public int attributes(long node, io.jkvm.devices.files.FileAttributes attributes) {
            throw new IllegalStateException("broken");
          }
        };
    VirtioFs device = new VirtioFs("test", tree, SharePolicy.writable());
    try (FuseDriver guest = new FuseDriver(device).mounted()) {
      for (int i = 0; i < 20; i++) {
        guest.getattr(FileTree.ROOT).fails(Errno.EIO);
      }
      guest.lookup(FileTree.ROOT, "x").fails(Errno.ENOENT);
    }
  }
}
