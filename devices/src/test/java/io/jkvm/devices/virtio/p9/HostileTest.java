// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.p9.SharedDirectory.Kind;
import io.jkvm.devices.virtio.p9.message.MessageType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Thousands of messages, most of them spoilt: always a whole answer, nothing outside is touched,
 * and all is given back. {@link P9Driver} checks the replies.
 */
class HostileTest {
  private static final int ROUNDS = 6000;
  private static final String[] NAMES = {
    "a", "b", "f", "d", "..", ".", "", "/etc", "a/b", "../outside", "evil", "x", "user.x"
  };

  @TempDir private Path temporary;

  @ParameterizedTest
  @CsvSource({"HOST,1", "HOST,2", "HOST,3", "ZIP,4", "NATIVE,5", "NATIVE,6"})
  void spoiltMessagesGetAnswersAndChangeNothingOutside(Kind kind, int seed) throws Exception {
    final Path secret = Files.writeString(temporary.resolve("outside"), "secret");
    Random random = new Random(seed);
    try (SharedDirectory share = new SharedDirectory(kind, temporary)) {
      EveryRequestTest.prepare(share);
      share.file("a", "12345");
      if (kind != Kind.ZIP) {
        Files.createSymbolicLink(share.root.resolve("evil"), temporary);
      }
      int good = 0;
      for (int i = 0; i < ROUNDS; i++) {
        MessageType type = MessageType.values()[random.nextInt(MessageType.values().length)];
        if (type == MessageType.TVERSION && random.nextInt(50) > 0) {
          type = MessageType.TWALK;
        }
        byte[] body =
            random.nextInt(3) == 0 ? EveryRequestTest.body(type).bytes() : body(type, random);
        spoil(body, random);
        int room = random.nextInt(4) == 0 ? 4 + random.nextInt(300) : 4089;
        Answer answer = share.guest.request(type, new Body().raw(body), room);
        if (answer.error() == 0) {
          good++;
        }
        if (type == MessageType.TVERSION) {
          share.guest.mounted();
        }
      }
      assertTrue(good > ROUNDS / 20, good + " requests were carried out");
      share.guest.mounted();
      assertEquals(1, share.knownNodes.getAsInt());
      assertEquals(0, share.guest.device.openFiles());
      assertEquals("secret", Files.readString(secret));
      try (var list = Files.list(temporary)) {
        // A zip file system has what is open in files beside the archive.
        var others = list.filter(path -> !path.getFileName().toString().startsWith("zipfstmp"));
        assertEquals(2, others.count(), "something appeared outside");
      }
    }
  }

  /** The fields of a type with values that may make sense together. */
  private static byte[] body(MessageType type, Random random) {
    Body body = new Body();
    body.u32(random.nextInt(8));
    switch (type) {
      case TLCREATE, TMKDIR, TUNLINKAT, TMKNOD -> name(body, random).u32(random.nextInt(3));
      case TSYMLINK -> name(name(body, random), random);
      case TRENAMEAT -> name(name(body, random).u32(random.nextInt(8)), random);
      case TRENAME, TLINK, TXATTRWALK -> name(body.u32(random.nextInt(12)), random);
      case TXATTRCREATE -> body.string("user.x").u64(random.nextInt(9)).u32(0);
      case TWALK -> {
        int count = random.nextInt(5);
        body.u32(random.nextInt(8)).u16(count);
        for (int i = 0; i < count; i++) {
          name(body, random);
        }
      }
      case TATTACH -> body.u32(-1).string("u").string("/").u32(0);
      case TREAD, TREADDIR -> body.u64(random.nextInt(6)).u32(random.nextInt(200));
      case TWRITE -> body.u64(random.nextInt(6)).u32(random.nextInt(9)).u64(0);
      case TLOCK -> body.u8(random.nextInt(3)).u32(0).u64(random.nextInt(9)).u64(1).u32(1);
      default -> body.u32(random.nextInt(3));
    }
    return body.raw(new byte[random.nextInt(30)]).bytes();
  }

  private static Body name(Body body, Random random) {
    return body.string(NAMES[random.nextInt(NAMES.length)]);
  }

  /** Changes no byte, some, or some to the ends of their range. */
  private static void spoil(byte[] body, Random random) {
    int count = Math.max(0, random.nextInt(6) - 3);
    for (int i = 0; i < count && body.length > 0; i++) {
      int at = random.nextInt(body.length);
      body[at] =
          switch (random.nextInt(4)) {
            case 0 -> -1;
            case 1 -> 0;
            case 2 -> (byte) random.nextInt(8);
            default -> (byte) random.nextInt();
          };
    }
  }
}
