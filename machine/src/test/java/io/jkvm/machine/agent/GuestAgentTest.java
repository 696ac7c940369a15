// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.agent.CommandEnd.How;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The host's half of the protocol with the real program at the other end. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class GuestAgentTest {
  @TempDir static Path directory;
  private static Path program;
  private HostedAgent hosted;
  private GuestAgent agent;

  @BeforeAll
  static void build() throws Exception {
    program = HostedAgent.build(directory);
  }

  @AfterAll
  static void forget() {
    program = null;
  }

  @BeforeEach
  void start() throws IOException {
    hosted = HostedAgent.start(program, directory);
    agent = hosted.agent();
  }

  @AfterEach
  void stop() throws Exception {
    hosted.close();
  }

  private CommandResult sh(String script) throws IOException, InterruptedException {
    return agent.run(
        GuestCommand.of("sh", "-c", script).environment(Map.of("PATH", "/usr/bin:/bin")));
  }

  @Test
  void aTerminalHasNoStandardErrorOfItsOwn() throws Exception {
    GuestTask task = agent.start(GuestCommand.of("cat").terminal(new GuestCommand.Size(80, 24)));
    assertEquals(-1, task.error().read()); // at once, not at the command's end
    task.error().close();
    task.input().write("key\n\004".getBytes(UTF_8));
    assertEquals(0, task.await().shellStatus());
  }

  @Test
  void statusesAreTheCommandsOwn() throws Exception {
    assertEquals(0, agent.run(GuestCommand.of("/bin/true")).status());
    assertEquals(42, sh("exit 42").status());
    assertEquals(255, sh("exit 255").status());
    CommandEnd killed = sh("kill -SEGV $$").end();
    assertEquals(How.SIGNALLED, killed.how());
    assertEquals(128 + 11, killed.shellStatus());
  }

  @Test
  void whatCanNotRunSaysWhy() throws Exception {
    Path plain = Files.writeString(directory.resolve("plain"), "text");
    Path lost = Files.writeString(directory.resolve("lost"), "#!/no/such/interpreter\n");
    assertTrue(lost.toFile().setExecutable(true));
    assertEquals(127, agent.run(GuestCommand.of("nosuch")).status());
    assertEquals(126, agent.run(GuestCommand.of("/etc")).status());
    assertEquals(126, agent.run(GuestCommand.of(plain.toString())).status());
    CommandResult interpreter = agent.run(GuestCommand.of(lost.toString()));
    assertEquals(126, interpreter.status());
    assertTrue(interpreter.end().text().contains("/no/such/interpreter"), interpreter.toString());
    CommandResult user = agent.run(GuestCommand.of("true").user("nosuch"));
    assertEquals(125, user.status());
    assertTrue(user.end().text().contains("nosuch"), user.end().text());
  }

  @Test
  void argumentsAndEnvironmentArriveAsTheyAre() throws Exception {
    List<byte[]> arguments = new ArrayList<>();
    for (String text : List.of("printf", "<%s>\n", "a  b", "", "--", "$HOME", "it's", "x\ny")) {
      arguments.add(text.getBytes(UTF_8));
    }
    arguments.add(new byte[] {'*', (byte) 0xff, (byte) 0xfe});
    byte[] output = agent.run(GuestCommand.ofBytes(arguments)).output();
    byte[] expected = new byte[output.length];
    byte[] text = "<a  b>\n<>\n<-->\n<$HOME>\n<it's>\n<x\ny>\n<*".getBytes(UTF_8);
    System.arraycopy(text, 0, expected, 0, text.length);
    expected[text.length] = (byte) 0xff;
    expected[text.length + 1] = (byte) 0xfe;
    expected[text.length + 2] = '>';
    expected[text.length + 3] = '\n';
    assertArrayEquals(expected, output);
  }

  @Test
  void longArgumentsAndLargeEnvironments() throws Exception {
    String longest = "x".repeat(100 << 10);
    assertEquals(
        longest.length(), agent.run(GuestCommand.of("printf", "%s", longest)).output().length);
    Map<String, String> variables = new java.util.TreeMap<>();
    for (int i = 0; i < 2000; i++) {
      variables.put("V" + i, "value " + i);
    }
    String printed = agent.run(GuestCommand.of("/usr/bin/env").environment(variables)).outputText();
    assertEquals(2000, printed.lines().filter(line -> line.startsWith("V")).count());
    AgentException tooLong =
        assertThrows(
            AgentException.class, () -> agent.start(GuestCommand.of("true", "x".repeat(5 << 20))));
    assertTrue(tooLong.getMessage().contains("4194304"), tooLong.getMessage());
  }

  @Test
  void inputEndsWhereItEnds() throws Exception {
    GuestTask cat = agent.start(GuestCommand.of("cat"));
    try (OutputStream input = cat.input()) {
      input.write("hello".getBytes(UTF_8));
    }
    assertEquals("hello", new String(cat.output().readAllBytes(), UTF_8));
    assertEquals(0, cat.await().shellStatus());
    assertEquals("", agent.run(GuestCommand.of("cat")).outputText());
  }

  @Test
  void aCommandThatDoesNotReadEndsItsWriter() throws Exception {
    GuestTask head = agent.start(GuestCommand.of("head", "-c", "1"));
    byte[] much = new byte[1 << 20];
    assertThrows(
        IOException.class,
        () -> {
          for (int i = 0; i < 100; i++) {
            head.input().write(much);
          }
        });
    assertEquals(1, head.output().readAllBytes().length);
    assertEquals(0, head.await().shellStatus());
  }

  @Test
  void megabytesComeWholeAndInOrderAndApart() throws Exception {
    byte[] random = new byte[20 << 20];
    new Random(12).nextBytes(random);
    Path file = Files.write(directory.resolve("random"), random);
    GuestTask cat =
        agent.start(
            GuestCommand.of("sh", "-c", "cat \"$0\" & cat \"$0\" >&2; wait", file.toString())
                .environment(Map.of("PATH", "/usr/bin:/bin"))
                .withoutInput());
    String expected = hash(MessageDigest.getInstance("SHA-256").digest(random));
    String[] error = new String[1];
    Thread errors = new Thread(() -> error[0] = sha256(cat.error()));
    errors.start();
    assertEquals(expected, sha256(cat.output()));
    errors.join();
    assertEquals(expected, error[0]);
    assertEquals(0, cat.await().shellStatus());
  }

  private static String sha256(java.io.InputStream stream) {
    try (DigestInputStream digest =
        new DigestInputStream(stream, MessageDigest.getInstance("SHA-256"))) {
      digest.transferTo(OutputStream.nullOutputStream());
      return hash(digest.getMessageDigest().digest());
    } catch (IOException | java.security.NoSuchAlgorithmException e) {
      return e.toString();
    }
  }

  private static String hash(byte[] digest) {
    return HexFormat.of().formatHex(digest);
  }

  @Test
  void aReaderThatLeavesEndsTheCommand() throws Exception {
    GuestTask yes = agent.start(GuestCommand.of("yes").withoutInput());
    assertEquals('y', yes.output().read());
    yes.output().close();
    assertEquals(128 + 13, yes.await().shellStatus());
  }

  @Test
  void whatIsLeftInTheBackgroundDoesNotHoldTheEnd() throws Exception {
    CommandResult result = sh("sleep 600 & echo hi");
    assertEquals("hi\n", result.outputText());
    assertEquals(0, result.status());
  }

  @Test
  void filesAreCopiedBothWays() throws Exception {
    Path file = directory.resolve("copied");
    byte[] content = new byte[3 << 20];
    new Random(3).nextBytes(content);
    GuestTask write = agent.write(file.toString(), 0640);
    write.input().write(content);
    write.input().close();
    assertEquals(0, write.await().shellStatus());
    assertArrayEquals(content, Files.readAllBytes(file));
    GuestTask read = agent.read(file.toString());
    assertArrayEquals(content, read.output().readAllBytes());
    assertEquals(How.EXITED, read.await().how());
    GuestTask absent = agent.read("/no/such/file");
    assertEquals(0, absent.output().readAllBytes().length);
    assertEquals(How.SETUP_FAILED, absent.await().how());
  }

  @Test
  void aTerminalHasItsSizeAndItsSignals() throws Exception {
    GuestTask shell =
        agent.start(
            GuestCommand.of(
                    "sh",
                    "-c",
                    "stty size; trap 'stty size; exit 3' WINCH; echo on; "
                        + "while :; do sleep 1; done")
                .environment(Map.of("PATH", "/usr/bin:/bin"))
                .terminal(new GuestCommand.Size(33, 77)));
    assertEquals("33 77", line(shell));
    assertEquals("on", line(shell));
    shell.resize(new GuestCommand.Size(40, 90));
    assertEquals("40 90", line(shell));
    assertEquals(3, shell.await().shellStatus());
    GuestTask copying =
        agent.start(
            GuestCommand.of("cat")
                .environment(Map.of("PATH", "/usr/bin:/bin"))
                .terminal(new GuestCommand.Size(24, 80)));
    // The terminal's line, and the program's, which runs then: a shell may lose a key at its exec.
    copying.input().write("on\n".getBytes(UTF_8));
    assertEquals("on", line(copying));
    assertEquals("on", line(copying));
    copying.input().write(3);
    assertEquals(128 + 2, copying.await().shellStatus());
  }

  private static String line(GuestTask task) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int c = task.output().read(); c != '\n'; c = task.output().read()) {
      assertTrue(c >= 0, "ended after: " + text);
      if (c != '\r') {
        text.append((char) c);
      }
    }
    return text.toString();
  }

  @Test
  void manyCommandsAtATimeAndNoMoreThanItHas() throws Exception {
    List<GuestTask> tasks = new ArrayList<>();
    for (int i = 0; i < Frame.MAX_TASKS; i++) {
      tasks.add(agent.start(GuestCommand.of("cat")));
    }
    assertThrows(AgentException.class, () -> agent.start(GuestCommand.of("true")));
    for (int i = 0; i < tasks.size(); i++) {
      tasks.get(i).input().write(("number " + i).getBytes(UTF_8));
      tasks.get(i).input().close();
    }
    for (int i = 0; i < tasks.size(); i++) {
      assertEquals("number " + i, new String(tasks.get(i).output().readAllBytes(), UTF_8));
      assertEquals(0, tasks.get(i).await().shellStatus());
    }
    assertEquals(List.of(), agent.tasks());
  }

  @Test
  void anAgentThatIsKilledFailsWhatIsUnderWay() throws Exception {
    GuestTask cat = agent.start(GuestCommand.of("cat"));
    hosted.process().destroyForcibly();
    assertThrows(AgentException.class, cat::await);
    assertThrows(AgentException.class, () -> agent.start(GuestCommand.of("true")));
  }

  @Test
  void signalsReachTheCommand() throws Exception {
    GuestTask sleep = agent.start(GuestCommand.of("sleep", "600"));
    sleep.signal(15, false);
    assertEquals(128 + 15, sleep.await().shellStatus());
  }
}
