// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.machine.agent.AgentProcess.Ended;
import io.jkvm.machine.agent.AgentProcess.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Frames that are wrong, too many or out of order; files, and the agent's own end. */
@Timeout(600)
class AgentProtocolTest {
  private static final int TASKS = 64;

  @TempDir static Path built;
  private static Path program;

  @TempDir Path folder;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    program = AgentProcess.build(built);
  }

  private AgentProcess greeted() throws IOException {
    return AgentProcess.greeted(program, folder);
  }

  private static byte[] frame(int type, int stream, int task, ByteBuffer bytes) {
    ByteBuffer frame = AgentProcess.numbers(8 + bytes.capacity());
    frame.putInt(bytes.capacity()).put((byte) type).put((byte) stream).putShort((short) task);
    return frame.put(bytes.array()).array();
  }

  private static ByteBuffer u32(int... values) {
    ByteBuffer bytes = AgentProcess.numbers(4 * values.length);
    IntStream.of(values).forEach(bytes::putInt);
    return bytes;
  }

  static Stream<Arguments> wrongFrames() {
    ByteBuffer none = u32();
    return Stream.of(
        Arguments.of("type 0", frame(0, 0, 0, none)),
        Arguments.of("type of the agent's", frame(67, 1, 1, none)),
        Arguments.of("type 255", frame(255, 0, 0, none)),
        Arguments.of("huge", u32(65_537, 4).array()),
        Arguments.of("size with the top bit", u32(-1, 4).array()),
        Arguments.of("second HELLO", frame(1, 0, 0, u32(1, 0, 0))),
        Arguments.of("short EXEC", frame(2, 0, 1, u32(0, 0, 1, 0))),
        Arguments.of("EXEC of task 0", frame(2, 0, 0, u32(0, 0, 1, 0, 10))),
        Arguments.of("EXEC with unknown flags", frame(2, 0, 1, u32(8, 0, 1, 0, 10))),
        Arguments.of("EXEC without arguments", frame(2, 0, 1, u32(0, 0, 0, 0, 10))),
        Arguments.of("EXEC with counts that overflow", frame(2, 0, 1, u32(0, 0, -1, 2, 10))),
        Arguments.of("EXEC with more strings than bytes", frame(2, 0, 1, u32(0, 0, 9, 0, 10))),
        Arguments.of("EXEC over 4 MiB", frame(2, 0, 1, u32(0, 0, 1, 0, 4_194_305))),
        Arguments.of("READ without a path", frame(10, 0, 1, u32(0))),
        Arguments.of("WRITE over 4 MiB", frame(11, 0, 1, u32(0, -1))),
        Arguments.of("CREDIT of input", frame(6, 0, 1, u32(1))),
        Arguments.of("CLOSE of stream 3", frame(7, 3, 1, none)),
        Arguments.of("signal 0", frame(8, 0, 1, u32(0, 0))),
        Arguments.of("signal 65", frame(8, 0, 1, u32(65, 0))),
        Arguments.of("signal to whom", frame(8, 0, 1, u32(9, 2))),
        Arguments.of("PING for a task", frame(16, 0, 1, u32(0, 0))),
        Arguments.of("long SYNC", frame(13, 0, 0, u32(0))),
        Arguments.of("POWER 2", frame(14, 0, 0, u32(2))),
        Arguments.of("ROOT without strings", frame(15, 0, 0, u32(0))),
        Arguments.of("ROOT without an end", frame(15, 0, 0, u32(0, 0, 0x41414141))),
        Arguments.of("ROOT with five strings", frame(15, 0, 0, u32(0, 0, 0))),
        Arguments.of("MOUNT with flags", frame(17, 0, 0, u32(1, 0))),
        Arguments.of("MOUNT with three strings", frame(17, 0, 0, u32(0, 0x00410000))),
        Arguments.of("type after the last", frame(18, 0, 0, u32(0, 0))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongFrames")
  void wrongFramesEndTheAgentWithALine(String name, byte[] bytes) throws Exception {
    try (AgentProcess agent = greeted()) {
      agent.sendRaw(bytes);
      assertThrows(IOException.class, agent::next);
      assertEquals(1, agent.exitStatus());
      assertTrue(agent.log().contains("protocol: "), agent::log);
    }
  }

  static Stream<Arguments> wrongFramesOfATask() {
    return Stream.of(
        Arguments.of("EXEC again", Command.INPUT, frame(2, 0, 1, u32(0, 0, 1, 0, 10))),
        Arguments.of("STRINGS again", Command.INPUT, frame(3, 0, 1, u32(0))),
        Arguments.of("input that is not open", 0, frame(4, 0, 1, u32(0))),
        Arguments.of("window overflow", 0, frame(6, 1, 1, u32(0x7fffffff))),
        Arguments.of("window with the top bit", 0, frame(6, 2, 1, u32(-1))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongFramesOfATask")
  void wrongFramesOfATaskEndTheAgent(String name, int flags, byte[] bytes) throws Exception {
    try (AgentProcess agent = greeted()) {
      agent.exec(1, Command.of("sleep", "1000").with(flags));
      assertEquals(66, agent.next().type());
      agent.sendRaw(bytes);
      assertThrows(IOException.class, () -> agent.end(1));
      assertEquals(1, agent.exitStatus());
    }
  }

  @Test
  void inputBeyondTheWindowEndsTheAgent() throws Exception {
    try (AgentProcess agent = greeted()) {
      agent.exec(1, Command.of("sleep", "1000").with(Command.INPUT));
      // The pipe takes some, for which there is credit; what is sent is more than both.
      for (int i = 0; i < 16; i++) {
        try {
          agent.send(4, 0, 1, new byte[AgentProcess.FRAME]);
        } catch (IOException e) {
          break;
        }
      }
      assertThrows(IOException.class, () -> agent.end(1));
      assertEquals(1, agent.exitStatus());
      assertTrue(agent.log().contains("beyond the window"), agent::log);
    }
  }

  @Test
  void anotherVersionIsNamed() throws Exception {
    try (AgentProcess agent = new AgentProcess(program, folder)) {
      agent.next();
      agent.send(1, 0, 0, AgentProcess.numbers(12).putInt(7));
      assertEquals(1, agent.exitStatus());
      assertTrue(agent.log().contains("version 7, the agent 1"), agent::log);
    }
  }

  @Test
  void somethingBeforeHelloIsRefused() throws Exception {
    try (AgentProcess agent = new AgentProcess(program, folder)) {
      agent.next();
      agent.send(13, 0, 0);
      assertEquals(1, agent.exitStatus());
    }
  }

  /** Random frames, most of them nearly right: the agent answers or ends, and no signal ends it. */
  @Test
  void randomFramesDoNotCrashIt() throws Exception {
    for (long seed = 1; seed <= 150; seed++) {
      Random random = new Random(seed);
      try (AgentProcess agent = greeted()) {
        Thread reader = new Thread(() -> readToTheEnd(agent));
        reader.start();
        try {
          for (int i = 0; i < 40; i++) {
            agent.sendRaw(randomFrame(random, agent));
          }
          agent.closeSending();
        } catch (IOException e) {
          // It has ended; how is looked at below.
        }
        reader.join();
        agent.closeChannel();
        int status = agent.exitStatus();
        String about = "seed " + seed + ": " + status + " " + agent.log();
        assertTrue(status == 0 || (status == 1 && agent.log().contains("protocol: ")), about);
      }
    }
  }

  private static void readToTheEnd(AgentProcess agent) {
    try {
      while (agent.next().type() >= 65) {}
    } catch (IOException e) {
      // The end.
    }
  }

  private static byte[] randomFrame(Random random, AgentProcess agent) throws IOException {
    int[] sizes = {12, 20, 9, 40, 0, 4, 0, 8, 4, 4, 8, 8, 0, 4, 9, 8};
    int task = 1 + random.nextInt(6);
    if (random.nextInt(3) == 0) {
      String[] scripts = {"cat", "echo x; echo y >&2", "exit 7", "sleep 1000 & yes"};
      agent.exec(
          100 + random.nextInt(5000),
          Command.shell(scripts[random.nextInt(4)]).with(random.nextInt(8)));
    }
    int type = 2 + random.nextInt(15);
    if (type == 14 || type == 10 || type == 11) {
      type = 6;
    }
    boolean isOdd = random.nextInt(60) == 0;
    ByteBuffer bytes = AgentProcess.numbers(isOdd ? random.nextInt(100) : sizes[type - 1]);
    while (bytes.remaining() >= 4) {
      bytes.putInt(random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(3));
    }
    boolean isOutput = type == 6 || type == 7;
    int stream = isOutput ? 1 + random.nextInt(2) : 0;
    return frame(isOdd ? random.nextInt(256) : type, stream, type >= 12 ? 0 : task, bytes);
  }

  @Test
  void only64TasksExistAtATime() throws Exception {
    try (AgentProcess agent = greeted()) {
      for (int task = 1; task <= TASKS; task++) {
        agent.exec(task, Command.of("cat").with(Command.INPUT));
      }
      agent.exec(65_535, Command.of("cat"));
      Ended refused = agent.end(65_535);
      assertEquals(4, refused.how());
      assertEquals(11, refused.value());
      for (int task = 1; task <= TASKS; task++) {
        agent.send(4, 0, task, AgentProcess.text("task " + task));
        agent.send(5, 0, task);
        assertEquals("task " + task, agent.end(task).out());
      }
      assertEquals(0, agent.run("true").how());
    }
  }

  @Test
  void filesAreCopiedBothWays() throws Exception {
    byte[] bytes = new byte[200_000];
    new Random(3).nextBytes(bytes);
    Path file = folder.resolve("copied");
    byte[] path = AgentProcess.text(file + "\0");
    try (AgentProcess agent = greeted()) {
      agent.send(11, 0, 1, u32(0640, path.length));
      agent.sendStrings(1, path);
      for (int at = 0; at < bytes.length; at += 50_000) {
        agent.send(4, 0, 1, Arrays.copyOfRange(bytes, at, at + 50_000));
      }
      agent.send(5, 0, 1);
      assertEquals(0, agent.end(1).how());
      assertArrayEquals(bytes, Files.readAllBytes(file));
      assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
      agent.send(10, 0, 1, u32(path.length));
      agent.sendStrings(1, path);
      Ended read = agent.end(1);
      assertEquals(0, read.how());
      assertArrayEquals(bytes, read.output());
    }
  }

  @Test
  void aCopyThatIsGivenUpLeavesNothing() throws Exception {
    Path file = Files.writeString(folder.resolve("kept"), "kept");
    byte[] path = AgentProcess.text(file + "\0");
    try (AgentProcess agent = greeted()) {
      agent.send(11, 0, 1, u32(0640, path.length));
      agent.sendStrings(1, path);
      agent.send(4, 0, 1, new byte[1000]);
      agent.send(8, 0, 1, u32(15, 0));
      Ended ended = agent.end(1);
      assertEquals(4, ended.how());
      assertEquals(125, ended.value(), ended.text()); // ECANCELED
    }
    assertEquals("kept", Files.readString(file));
    try (Stream<Path> names = Files.list(folder)) {
      assertEquals(0, names.filter(p -> p.toString().contains(".jkvm-")).count());
    }
  }

  @Test
  void filesThatCannotBeReadAreSaidSo() throws Exception {
    try (AgentProcess agent = greeted()) {
      byte[] path = AgentProcess.text("/no/such\0");
      agent.send(10, 0, 1, u32(path.length));
      agent.sendStrings(1, path);
      Ended ended = agent.end(1);
      assertEquals(4, ended.how());
      assertEquals(2, ended.value());
    }
  }

  @Test
  void syncIsAnsweredAndPowerEndsIt() throws Exception {
    try (AgentProcess agent = greeted()) {
      agent.send(13, 0, 0);
      Frame done = agent.next();
      assertEquals(71, done.type());
      assertEquals(13, done.u32(0));
      assertEquals(0, done.u32(4));
      agent.send(14, 0, 0, u32(0));
      assertThrows(IOException.class, agent::next);
      assertEquals(0, agent.exitStatus());
    }
  }

  @Test
  void aHostThatLeavesEndsItAndWhatItRan() throws Exception {
    Path left;
    try (AgentProcess agent = greeted()) {
      agent.exec(1, Command.shell("echo $$; sleep 1000"));
      assertEquals(66, agent.next().type());
      left = Path.of("/proc", new String(agent.next().bytes()).strip());
      agent.closeChannel();
      assertEquals(0, agent.exitStatus());
    }
    while (Files.exists(left)) {
      Thread.onSpinWait(); // killed, but still to be collected by this machine's init
    }
  }

  /** In namespaces of its own, so that its mounts and its power-off are seen by nobody else. */
  @Test
  void isTheFirstProcessOfAMachine() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs namespaces");
    String[] wrapper = {"unshare", "--pid", "--mount", "--fork"};
    try (AgentProcess agent = AgentProcess.greeted(program, folder, wrapper)) {
      Ended ended = agent.run(Command.shell("cat /proc/1/comm /proc/self/oom_score_adj"));
      assertEquals("agent\n0\n", ended.out());
      assertEquals(0, agent.run("test", "-e", "/dev/stdin").value());
      // Its parent is gone; without the agent's wait it would stay.
      String orphan =
          "p=$(sh -c 'sleep 0 >/dev/null & echo $!'); while [ -e /proc/$p ]; do :; done";
      assertEquals(0, agent.run(Command.shell(orphan)).value());
      agent.send(14, 0, 0, u32(0));
      assertThrows(IOException.class, agent::next);
    }
  }
}
