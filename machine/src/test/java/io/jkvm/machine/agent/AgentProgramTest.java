// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.machine.agent.AgentProcess.Ended;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that the agent runs: how they end or do not begin, and that they get what was given. */
@Timeout(300)
class AgentProgramTest {
  private static final int O_NONBLOCK = 04000;

  private static final int NO_COMMAND = 2;
  private static final int NOT_EXECUTABLE = 3;
  private static final int FAILED = 4;

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

  private String file(String name, byte[] content, String mode) throws IOException {
    Path file = Files.write(folder.resolve(name), content);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    return file.toString();
  }

  private Ended script(String content) throws IOException {
    return agent.run(file("script", AgentProcess.text(content), "rwxr-xr-x"));
  }

  @ParameterizedTest
  @CsvSource({
    "exit 0, 0, 0",
    "exit 42, 0, 42",
    "exit 255, 0, 255",
    "exit 127, 0, 127",
    "kill -SEGV $$, 1, 11",
    "kill -KILL $$, 1, 9",
    "exec false, 0, 1"
  })
  void endsAsTheCommandEnds(String script, int how, int value) throws IOException {
    Ended ended = agent.run(Command.shell(script));
    assertEquals(how, ended.how());
    assertEquals(value, ended.value());
    assertEquals(0, ended.flags());
  }

  @ParameterizedTest
  @CsvSource({
    "no-such-command, 2, 2, command not found",
    "'', 2, 2, command not found",
    "/no/such/command, 2, 2, No such file or directory",
    "/etc, 3, 13, is a directory",
    "/etc/passwd, 3, 13, is not executable",
    "/etc/passwd/x, 2, 20, Not a directory"
  })
  void saysWhyACommandIsNotRun(String name, int how, int errno, String why) throws IOException {
    Ended ended = agent.run(name);
    assertEquals(how, ended.how());
    assertEquals(errno, ended.value());
    assertTrue(ended.text().contains(why), ended::text);
  }

  @Test
  void namesTheInterpreterThatIsMissing() throws IOException {
    Ended ended = script("#! /no/such/interpreter -x\n");
    assertEquals(NOT_EXECUTABLE, ended.how());
    assertTrue(ended.text().contains("interpreter is not there: /no/such/interpreter"));
    assertFalse(ended.text().contains("-x"));
  }

  @Test
  void saysThatAScriptHasNoInterpreterLine() throws IOException {
    Ended ended = script("echo hello\n");
    assertEquals(NOT_EXECUTABLE, ended.how());
    assertEquals(8, ended.value());
    assertTrue(ended.text().contains("start it with a shell"), ended::text);
  }

  @Test
  void saysThatAProgramIsForAnotherProcessor() throws IOException {
    byte[] elf = Files.readAllBytes(program);
    elf[18] = (byte) 183; // e_machine: AArch64
    Ended ended = agent.run(file("wrong", elf, "rwxr-xr-x"));
    assertEquals(NOT_EXECUTABLE, ended.how());
    assertEquals(8, ended.value());
    assertTrue(ended.text().contains("another processor"), ended::text);
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 64})
  void namesTheLoaderThatIsMissing(int bits) throws IOException {
    Ended ended = agent.run(file("dynamic", dynamicProgram(bits == 64), "rwxr-xr-x"));
    assertEquals(NOT_EXECUTABLE, ended.how());
    assumeTrue(bits == 64 || ended.value() != 8, "this kernel runs no 32-bit programs");
    assertTrue(ended.text().endsWith("loader is not there: /no/such/ld.so"), ended::text);
  }

  /** An ELF header, elf(5), a program header for an interpreter, and its name. */
  private static byte[] dynamicProgram(boolean is64) {
    byte[] name = AgentProcess.text("/no/such/ld.so\0");
    ByteBuffer elf = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
    int header = is64 ? 64 : 52;
    int program = is64 ? 56 : 32;
    elf.putInt(0, 0x464c457f).put(4, (byte) (is64 ? 2 : 1)).put(5, (byte) 1).put(6, (byte) 1);
    elf.putShort(16, (short) 2).putShort(18, (short) (is64 ? 62 : 3)).putInt(20, 1);
    elf.putInt(is64 ? 32 : 28, header);
    elf.putShort(is64 ? 52 : 40, (short) header).putShort(is64 ? 54 : 42, (short) program);
    elf.putShort(is64 ? 56 : 44, (short) 1);
    elf.putInt(header, 3); // PT_INTERP
    elf.putInt(header + (is64 ? 8 : 4), header + program);
    elf.putInt(header + (is64 ? 32 : 16), name.length);
    elf.putInt(header + (is64 ? 40 : 20), name.length);
    elf.put(header + program, name);
    return elf.array();
  }

  @Test
  void passesOverForbiddenFilesAndFoldersOfThePath() throws IOException {
    file("true", new byte[0], "rw-r--r--");
    Files.createDirectory(folder.resolve("false"));
    Command command = Command.of("true").env(List.of("PATH=" + folder + "::/usr/bin:/bin"));
    assertEquals(0, agent.run(command).how());
    List<String> onlyThere = List.of("PATH=" + folder);
    assertEquals(NOT_EXECUTABLE, agent.run(Command.of("true").env(onlyThere)).how());
    assertEquals(NO_COMMAND, agent.run(Command.of("false").env(onlyThere)).how());
  }

  @Test
  void argumentsArriveAsTheyAre() throws IOException {
    String[] hard = {"a  b", "", "--", "$HOME", "it's", "x\ny", "*", "\"", "\\", "\u00e4\u20ac"};
    List<String> arguments = new ArrayList<>(List.of("sh", "-c", "cat /proc/$$/cmdline; :", "--"));
    arguments.addAll(Arrays.asList(hard));
    arguments.add("y".repeat(100 * 1024));
    Ended ended = agent.run(arguments.toArray(new String[0]));
    String expected = String.join("\0", arguments) + "\0";
    assertArrayEquals(expected.getBytes(StandardCharsets.UTF_8), ended.output());
  }

  @Test
  void tooMuchOfArgumentsIsSaidSo() throws IOException {
    Ended ended = agent.run("true", "y".repeat(200 * 1024));
    assertEquals(NOT_EXECUTABLE, ended.how());
    assertEquals(7, ended.value());
    assertEquals(0, agent.run("true").how());
  }

  @Test
  void environmentIsWhatWasGivenAndFourMore() throws IOException {
    List<String> given =
        new ArrayList<>(List.of("A=1", "EMPTY=", "odd", "HOME=/mine", "PATH=/bin"));
    for (int i = 0; i < 2000; i++) {
      given.add("V" + i + "= x ");
    }
    Command command = Command.of("/bin/cat", "/proc/self/environ").env(given);
    String all = agent.run(command).out();
    String expected = String.join("\0", given) + "\0";
    assertEquals(expected, all.substring(0, expected.length()));
    Set<String> names = new TreeSet<>();
    for (String more : all.substring(expected.length()).split("\0")) {
      names.add(more.substring(0, more.indexOf('=')));
    }
    assertEquals(Set.of("USER", "LOGNAME", "SHELL"), names);
  }

  @Test
  void directoryIsTakenOrRefused() throws IOException {
    String there = folder.toRealPath().toString();
    assertEquals(there + "\n", agent.run(Command.of("pwd").in(there)).out());
    assertEquals("/\n", agent.run("pwd").out());
    Ended ended = agent.run(Command.of("pwd").in("/no/such"));
    assertEquals(FAILED, ended.how());
    assertEquals(2, ended.value());
    assertTrue(ended.text().contains("/no/such"), ended::text);
  }

  @ParameterizedTest
  @CsvSource({"no-such-user", "root:no-such-group", "99999999999"})
  void usersThatAreNotThereAreRefused(String user) throws IOException {
    Ended ended = agent.run(Command.of("id").as(user));
    assertEquals(FAILED, ended.how());
    assertTrue(ended.text().contains("no such"), ended::text);
  }

  @ParameterizedTest
  @CsvSource({"65534, 65534:65534", "1234, 1234:1234", "1234:5, 1234:5", "root, 0:0"})
  void runsAsAUserWhoOwnsItsStreams(String user, String expected) throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root becomes another user");
    String script =
        "echo $(id -u):$(id -g) >/dev/stdout; echo $(id -G) >/dev/stderr; : </dev/stdin";
    Ended ended = agent.run(Command.shell(script).as(user).with(Command.INPUT));
    assertEquals(expected + "\n", ended.out());
    assertEquals(expected.split(":")[1] + "\n", ended.err());
    assertEquals(0, ended.value());
  }

  @Test
  void signalsAreAsInAFreshProcess() throws IOException {
    String status = agent.run("grep", "-E", "Sig(Blk|Ign)", "/proc/self/status").out();
    assertEquals("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", status);
  }

  @Test
  void onlyItsThreeStreamsAreOpen() throws IOException {
    assertEquals("0\n1\n2\n3\n", agent.run("ls", "/proc/self/fd").out()); // 3 is the folder
  }

  /** Kernels before 6.1 lose the wake-up of a port that one waits for and another writes to. */
  @Test
  void oneThreadHasTheChannelAndNeverWaitsInIt() throws IOException {
    String script =
        "ls /proc/$PPID/task | wc -l; for fd in /proc/$PPID/fd/*; do case $(readlink $fd) in"
            + " socket:*) sed -n 's/^flags:[[:space:]]*//p' /proc/$PPID/fdinfo/${fd##*/};; esac; done";
    String[] lines = agent.run("sh", "-c", script).out().split("\n");
    assertEquals(2, lines.length, "one thread and one socket: " + List.of(lines));
    assertEquals("1", lines[0]);
    assertNotEquals(0, Integer.parseInt(lines[1], 8) & O_NONBLOCK, lines[1]);
  }

  @ParameterizedTest
  @CsvSource({"15, 0", "2, 1", "9, 1", "64, 0"})
  void signalsReachTheCommand(int signal, int whom) throws IOException {
    agent.exec(1, Command.shell("echo ready; read x").with(Command.INPUT));
    assertEquals(66, agent.next().type());
    assertEquals(67, agent.next().type());
    agent.send(8, 0, 1, AgentProcess.numbers(8).putInt(signal).putInt(whom));
    Ended ended = agent.end(1);
    assertEquals(1, ended.how());
    assertEquals(signal, ended.value());
  }

  /** Before it has a group or a session of its own. */
  @Test
  void aSignalBehindTheStartMeetsTheCommand() throws IOException {
    for (int i = 0; i < 20; i++) {
      agent.exec(1, Command.of("sleep", "1000"));
      agent.send(8, 0, 1, AgentProcess.numbers(8).putInt(9).putInt(1));
      Ended ended = agent.end(1);
      assertEquals(1, ended.how());
      assertEquals(9, ended.value());
    }
  }

  @Test
  void aMebibyteOfArgumentsArrives() throws IOException {
    List<String> all =
        new ArrayList<>(List.of("sh", "-c", "echo $#; tr -dc y </proc/$$/cmdline | wc -c", "sh"));
    all.addAll(Collections.nCopies(12, "y".repeat(90_000)));
    assertEquals("12\n1080001\n", agent.run(all.toArray(new String[0])).out()); // one of "dc y"
  }
}
