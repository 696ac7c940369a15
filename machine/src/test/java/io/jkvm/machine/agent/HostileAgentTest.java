// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A guest whose agent lies: nobody waits for ever, nothing is believed, no exception escapes. */
@Timeout(300)
class HostileAgentTest {
  private static final byte[] HELLO = frame(65, 0, 0, u64(Frame.MAGIC), u32(1), u32(1));

  /** Takes all that the host says, and throws it away. */
  private static final class Sink implements AgentChannel {
    @Override
    public int offer(ByteBuffer bytes) {
      int count = bytes.remaining();
      bytes.position(bytes.limit());
      return count;
    }

    @Override
    public void awaitRoom(int timeoutMilliseconds) {}
  }

  private static byte[] u32(long value) {
    return little(Integer.BYTES).putInt((int) value).array();
  }

  private static byte[] u64(long value) {
    return little(Long.BYTES).putLong(value).array();
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] joined(byte[]... parts) {
    ByteBuffer all = ByteBuffer.allocate(Stream.of(parts).mapToInt(part -> part.length).sum());
    Stream.of(parts).forEach(all::put);
    return all.array();
  }

  private static byte[] header(long length, int type, int stream, int task) {
    return little(Frame.HEADER_BYTES)
        .putInt((int) length)
        .put((byte) type)
        .put((byte) stream)
        .putShort((short) task)
        .array();
  }

  private static byte[] frame(int type, int stream, int task, byte[]... payload) {
    byte[] all = joined(payload);
    return joined(header(all.length, type, stream, task), all);
  }

  private static byte[] ended(int task, long how, long value) {
    return frame(70, 0, task, u32(how), u32(value), u32(0));
  }

  /** All of it comes when the hello has, and a command, task 1, has been asked for. */
  static Stream<Arguments> lies() {
    byte[] window = new byte[Frame.MAX_PAYLOAD_BYTES];
    return Stream.of(
        Arguments.of("a frame that is too long", header(Frame.MAX_PAYLOAD_BYTES + 1, 67, 1, 1)),
        Arguments.of("a frame of 4 GiB", header(-1, 67, 1, 1)),
        Arguments.of("type 0", frame(0, 0, 0)),
        Arguments.of("a frame of the host's", frame(Frame.HELLO, 0, 0)),
        Arguments.of("type 255", frame(255, 0, 0)),
        Arguments.of("a second hello", HELLO),
        Arguments.of("an end of an unknown kind", ended(1, 9, 0)),
        Arguments.of("a status that can't be", ended(1, 0, 256)),
        Arguments.of("signal 0", ended(1, 1, 0)),
        Arguments.of("signal 65", ended(1, 1, 65)),
        Arguments.of("an errno that can't be", ended(1, 2, 1 << 16)),
        Arguments.of("an end that is too short", frame(70, 0, 1, u32(0), u32(0))),
        Arguments.of("an end of much text", frame(70, 0, 1, new byte[12 + 1025])),
        Arguments.of("the end of another task", ended(2, 0, 0)),
        Arguments.of("the end of task 0", ended(0, 0, 0)),
        Arguments.of("a process without a number", frame(66, 0, 1)),
        Arguments.of("output of stream 3", frame(67, 3, 1, new byte[1])),
        Arguments.of("output of standard input", frame(67, 0, 1, new byte[1])),
        Arguments.of("output of an unknown task", frame(67, 1, 99, new byte[1])),
        Arguments.of(
            "more output than there is room for",
            joined(
                frame(67, 1, 1, window),
                frame(67, 1, 1, window),
                frame(67, 1, 1, window),
                frame(67, 1, 1, window),
                frame(67, 1, 1, new byte[1]))),
        Arguments.of("output behind its end", joined(frame(68, 1, 1), frame(67, 1, 1, window))),
        Arguments.of("more room than there can be", frame(69, 0, 1, u32(0x8000_0000L))),
        Arguments.of("room without a number", frame(69, 0, 1)),
        Arguments.of("an answer to no question", frame(71, 0, 0, u32(12), u32(0))),
        Arguments.of("an answer that is too short", frame(71, 0, 0)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("lies")
  void noLieIsBelieved(String name, byte[] bytes) throws Exception {
    GuestAgent agent = new GuestAgent(new Sink());
    agent.accept(ByteBuffer.wrap(HELLO));
    agent.awaitReady();
    GuestTask task = agent.start(GuestCommand.of("true"));
    CompletableFuture<Void> question =
        CompletableFuture.runAsync(
            () -> {
              try {
                agent.sync();
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    ByteBuffer lie = ByteBuffer.wrap(bytes);
    agent.accept(lie);
    assertFalse(lie.hasRemaining(), name);
    assertTrue(agent.failure().isPresent(), name);
    assertThrows(AgentException.class, task::await, name);
    assertThrows(ExecutionException.class, question::get, name);
    assertThrows(AgentException.class, () -> agent.start(GuestCommand.of("true")), name);
    // What comes later is not looked at.
    agent.accept(ByteBuffer.wrap(ended(1, 0, 0)));
    assertTrue(task.end().isEmpty(), name);
  }

  static Stream<Arguments> greetings() {
    return Stream.of(
        Arguments.of("another magic", frame(65, 0, 0, u64(1), u32(1), u32(0)), true),
        Arguments.of("another version", frame(65, 0, 0, u64(Frame.MAGIC), u32(2), u32(0)), true),
        Arguments.of("a hello that is too short", frame(65, 0, 0, u64(Frame.MAGIC)), true),
        Arguments.of("output before the hello", frame(67, 1, 1, new byte[1]), false),
        Arguments.of("an end before the hello", ended(1, 0, 0), false));
  }

  /** One of another version is no guest that is gone, but one that does not fit. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("greetings")
  void noOtherGreetingIsTaken(String name, byte[] bytes, boolean refused) {
    GuestAgent agent = new GuestAgent(new Sink());
    agent.accept(ByteBuffer.wrap(bytes));
    assertThrows(AgentException.class, agent::awaitReady, name);
    assertEquals(refused, agent.isRefused(), name);
    assertFalse(agent.hasSpoken(), name);
  }

  /** In pieces of any size. */
  @Test
  void noiseIsNoMoreThanAFailure() throws Exception {
    Random random = new Random(11);
    for (int round = 0; round < 2000; round++) {
      GuestAgent agent = new GuestAgent(new Sink());
      agent.accept(ByteBuffer.wrap(HELLO));
      GuestTask task = agent.start(GuestCommand.of("true"));
      for (int i = 0; i < 40 && agent.failure().isEmpty(); i++) {
        byte[] payload = new byte[random.nextInt(40)];
        random.nextBytes(payload);
        int type = 60 + random.nextInt(16);
        byte[] bytes = frame(type, random.nextInt(4), random.nextInt(3), payload);
        if (random.nextInt(8) == 0) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        int cut = random.nextInt(bytes.length);
        agent.accept(ByteBuffer.wrap(bytes, 0, cut));
        agent.accept(ByteBuffer.wrap(bytes, cut, bytes.length - cut));
      }
      agent.fail("over");
      assertTrue(task.end().isPresent() || task.failure().isPresent());
    }
  }
}
