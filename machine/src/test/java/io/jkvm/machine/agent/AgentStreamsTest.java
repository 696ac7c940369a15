// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.agent.AgentProcess.Ended;
import io.jkvm.machine.agent.AgentProcess.Frame;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Bytes to and from commands, with credit, ends and readers that leave; and what commands leave.
 */
@Timeout(600)
class AgentStreamsTest {
  private static final int KILLED_REST = 1;
  private static final int SIGPIPE = 13;

  @TempDir static Path built;
  private static Path program;

  @TempDir Path folder;
  private AgentProcess agent;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    program = AgentProcess.build(built);
  }

  @BeforeEach
  void start() throws IOException {
    agent = AgentProcess.greeted(program, folder);
  }

  @AfterEach
  void stop() throws IOException {
    agent.close();
  }

  private void started(Command command) throws IOException {
    agent.exec(1, command);
    assertEquals(66, agent.next().type());
  }

  /** Everything that was sent up to now has been seen when the answer comes. */
  private ByteArrayOutputStream outputUntilPong() throws IOException {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    agent.send(16, 0, 0, AgentProcess.numbers(8).putLong(7));
    for (Frame frame = agent.next(); frame.type() != 72; frame = agent.next()) {
      if (frame.type() == 67) {
        output.write(frame.bytes());
      }
    }
    return output;
  }

  @Test
  void inputComesBackWholeAndEnds() throws IOException {
    byte[] bytes = new byte[3_000_000];
    new Random(12).nextBytes(bytes);
    started(Command.of("cat").with(Command.INPUT));
    int window = AgentProcess.WINDOW;
    int sent = 0;
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    while (output.size() < bytes.length) {
      int part = Math.min(Math.min(window, bytes.length - sent), 50_001);
      if (part > 0) {
        agent.send(4, 0, 1, Arrays.copyOfRange(bytes, sent, sent + part));
        window -= part;
        sent += part;
        continue;
      }
      Frame frame = agent.next();
      if (frame.type() == 69) {
        window += frame.u32(0);
      } else if (frame.type() == 67) {
        output.write(frame.bytes());
        agent.credit(1, 1, frame.bytes().length);
      }
    }
    agent.send(5, 0, 1);
    assertEquals(0, agent.end(1).how());
    assertArrayEquals(bytes, output.toByteArray());
  }

  @Test
  void inputThatIsNotOpenIsAtItsEnd() throws IOException {
    assertEquals("0\n", agent.run(Command.shell("wc -c")).out());
  }

  @Test
  void inputThatNobodyReadsHoldsNothingUp() throws IOException {
    started(Command.shell("exec <&-; echo $((6 * 7))").with(Command.INPUT));
    agent.send(4, 0, 1, new byte[60_000]);
    assertEquals("42\n", agent.end(1).out());
    agent.send(4, 0, 1, new byte[60_000]); // met its ENDED on the way
    started(Command.of("head", "-n1").with(Command.INPUT));
    byte[] yes = "y\n".repeat(AgentProcess.FRAME / 2).getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < AgentProcess.WINDOW / yes.length; i++) {
      agent.send(4, 0, 1, yes);
    }
    assertEquals("y\n", agent.end(1).out());
  }

  @Test
  void muchOutputIsWholeWithItsStreamsApart() throws Exception {
    started(Command.shell("seq 1 12000000 & seq 1 400000 >&2; wait; exit 3"));
    MessageDigest[] found = {sha256(), sha256()};
    long[] sizes = new long[2];
    Frame frame;
    for (frame = agent.next(); frame.type() != 70; frame = agent.next()) {
      if (frame.type() == 67) {
        found[frame.stream() - 1].update(frame.bytes());
        sizes[frame.stream() - 1] += frame.bytes().length;
        agent.credit(1, frame.stream(), frame.bytes().length);
      }
    }
    assertEquals(0, frame.u32(0));
    assertEquals(3, frame.u32(4));
    assertTrue(sizes[0] > 90_000_000, () -> "only " + sizes[0]);
    assertArrayEquals(sequence(12_000_000), found[0].digest());
    assertArrayEquals(sequence(400_000), found[1].digest());
  }

  private static MessageDigest sha256() throws NoSuchAlgorithmException {
    return MessageDigest.getInstance("SHA-256");
  }

  private static byte[] sequence(int last) throws NoSuchAlgorithmException {
    MessageDigest digest = sha256();
    StringBuilder lines = new StringBuilder();
    for (int i = 1; i <= last; i++) {
      lines.append(i).append('\n');
      if (lines.length() > 60_000 || i == last) {
        digest.update(lines.toString().getBytes(StandardCharsets.US_ASCII));
        lines.setLength(0);
      }
    }
    return digest.digest();
  }

  @Test
  void outputWaitsForCreditAndNoneIsLost() throws IOException {
    started(Command.shell("head -c 400000 /dev/zero; exit 9"));
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    while (output.size() < AgentProcess.WINDOW) {
      output.write(agent.next().bytes());
    }
    assertEquals(AgentProcess.WINDOW, output.size());
    assertEquals(0, outputUntilPong().size());
    agent.credit(1, 1, 10);
    while (output.size() < AgentProcess.WINDOW + 10) {
      output.write(agent.next().bytes());
    }
    assertEquals(0, outputUntilPong().size());
    agent.credit(1, 1, 1_000_000);
    Ended ended = agent.end(1);
    assertEquals(9, ended.value());
    assertEquals(400_000, output.size() + ended.output().length);
  }

  /** Its answer has to wait until what is on its way is whole. */
  @Test
  void aSyncThatEndsWhileNobodyReadsTheOutput() throws Exception {
    started(Command.shell("head -c 4000000 /dev/zero; exit 6"));
    agent.credit(1, 1, 4_000_000);
    Thread.sleep(200); // for the channel to be full; if it is not, the test only proves less
    agent.send(13, 0, 0);
    int output = 0;
    boolean synced = false;
    AgentProcess.Frame frame = agent.next();
    for (; frame.type() != 70; frame = agent.next()) {
      synced |= frame.type() == 71 && frame.u32(0) == 13 && frame.u32(4) == 0;
      output += frame.type() == 67 ? frame.bytes().length : 0;
    }
    assertEquals(4_000_000, output);
    assertEquals(6, frame.u32(4));
    while (!synced) {
      synced = agent.next().type() == 71;
    }
  }

  @Test
  void aReaderThatLeavesIsSigpipe() throws IOException {
    started(Command.of("yes"));
    assertEquals(67, agent.next().type());
    agent.send(7, 1, 1);
    Ended ended = agent.end(1);
    assertEquals(1, ended.how());
    assertEquals(SIGPIPE, ended.value());
  }

  @Test
  void errorsGoWhereOutputGoesIfAsked() throws IOException {
    Ended ended = agent.run(Command.shell("echo a; echo b >&2; echo c").with(Command.ONE_OUTPUT));
    assertEquals("a\nb\nc\n", ended.out());
    assertEquals("", ended.err());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sleep 1000 & echo $!",
        "setsid sleep 1000 & echo $!",
        "exec 3>&1; echo $( (setsid sh -c 'echo $$; exec >&3; while :; do echo x; sleep 0.02; done' &) ); exit 0",
        "trap '' HUP TERM; sleep 1000 >/dev/null 2>&1 </dev/null & echo $!"
      })
  void whatACommandLeavesIsKilled(String script) throws Exception {
    Ended ended = agent.run(Command.shell(script));
    assertEquals(0, ended.how());
    assertEquals(0, ended.value());
    assertEquals(KILLED_REST, ended.flags());
    Path left = Path.of("/proc", ended.out().lines().findFirst().orElseThrow());
    while (Files.exists(left)) {
      Thread.sleep(10); // it is dead when the end is told, and reaped in a moment
    }
  }

  @Test
  void whatIsWrittenJustBeforeTheEndArrives() throws IOException {
    for (int i = 0; i < 50; i++) {
      Ended ended = agent.run(Command.shell("seq 1 10000; echo last >&2; exit 3"));
      assertEquals(48_894, ended.output().length);
      assertEquals("last\n", ended.err());
      assertEquals(3, ended.value());
    }
  }

  @Test
  void aCommandThatClosesItsOutputRunsOn() throws IOException {
    started(Command.shell("exec >&- 2>&-; read x; exit 5").with(Command.INPUT));
    assertEquals(68, agent.next().type());
    assertEquals(68, agent.next().type());
    agent.send(4, 0, 1, (byte) '\n');
    assertEquals(5, agent.end(1).value());
  }
}
