// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.machine.agent.AgentProcess.Ended;
import io.jkvm.machine.agent.AgentProcess.Frame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands with a terminal: its size, its keys, job control and its end. */
@Timeout(300)
class AgentTerminalTest {
  private static final int BOTH = Command.TERMINAL | Command.INPUT;

  @TempDir static Path built;
  private static Path program;

  @TempDir Path folder;
  private AgentProcess agent;
  private String seen = "";

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

  private void type(String keys) throws IOException {
    agent.send(4, 0, 1, AgentProcess.text(keys));
  }

  /** Reads on until this text has come; what comes after it is for the next call. */
  private void expect(String text) throws IOException {
    while (!seen.contains(text)) {
      Frame frame = agent.next();
      assertTrue(frame.type() != 70, () -> "ended, and no " + text + " in " + seen);
      if (frame.type() == 67) {
        seen += new String(frame.bytes(), StandardCharsets.ISO_8859_1);
        agent.credit(1, 1, frame.bytes().length);
      }
    }
    seen = seen.substring(seen.indexOf(text) + text.length());
  }

  private void bash() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "bash is not there");
    List<String> environment = List.of("PATH=/usr/bin:/bin", "TERM=dumb", "PS1=ready> ");
    Command bash = Command.of("bash", "--norc", "--noprofile", "-i").env(environment);
    agent.exec(1, bash.with(BOTH).size(33, 101));
    expect("ready> ");
  }

  @Test
  void sizeIsRightFromTheStartAndAfterEachChange() throws IOException {
    Command command = Command.shell("stty size; while read x; do stty size; done");
    agent.exec(1, command.with(BOTH).size(33, 101));
    expect("33 101\r\n");
    agent.send(9, 0, 1, AgentProcess.numbers(4).putShort((short) 50).putShort((short) 132));
    type("\n");
    expect("50 132\r\n");
  }

  @Test
  void aResizeTellsTheCommand() throws IOException {
    agent.exec(
        1,
        Command.shell("trap 'stty size; exit 0' WINCH; echo on; while :; do read x; done")
            .with(BOTH));
    expect("on\r\n");
    agent.send(9, 0, 1, AgentProcess.numbers(4).putShort((short) 7).putShort((short) 9));
    type("\n");
    expect("7 9\r\n");
    assertEquals(0, agent.end(1).value());
  }

  /**
   * Starts a program; what it copies proves that it runs: a shell that is about to execute it may
   * take a key and lose it.
   */
  private void startProgram() throws IOException {
    type("sh -c 'echo in$((1+1)); exec cat'\n");
    expect("in2\r\n");
    type("copied\n");
    expect("copied\r\ncopied\r\n");
  }

  @Test
  void controlCEndsTheProgramAndNotTheShell() throws IOException {
    bash();
    startProgram();
    type("\003");
    expect("ready> ");
    type("echo status $?\n");
    expect("status 130\r\n");
    type("exit 6\n");
    assertEquals(6, agent.end(1).value());
  }

  @Test
  void controlZAndJobControlWork() throws IOException {
    bash();
    startProgram();
    type("\032");
    expect("Stopped");
    expect("ready> ");
    type("fg\n");
    expect("cat'\r\n");
    type("back\n");
    expect("back\r\nback\r\n");
    type("\004");
    expect("ready> ");
    type("exit\n");
    assertEquals(0, agent.end(1).how());
  }

  @Test
  void theTerminalControlsTheCommandsSession() throws IOException {
    agent.exec(1, Command.shell("tty; echo there >/dev/tty; exit 0").with(Command.TERMINAL));
    Ended ended = agent.end(1);
    assertTrue(ended.out().matches("/dev/pts/\\d+\r\nthere\r\n"), ended::out);
  }

  @Test
  void theEndOfInputIsAnEndOfFile() throws IOException {
    agent.exec(1, Command.shell("stty -echo; echo on; cat; echo end").with(BOTH));
    expect("on\r\n");
    type("one\ntwo");
    agent.send(5, 0, 1);
    expect("one\r\ntwoend\r\n");
    assertEquals(0, agent.end(1).value());
  }

  @Test
  void inputThatWasNeverOpenIsAnEndOfFileToo() throws IOException {
    assertEquals(0, agent.run(Command.of("cat").with(Command.TERMINAL)).value());
  }

  @Test
  void aReaderThatLeavesHangsTheTerminalUp() throws IOException {
    agent.exec(1, Command.shell("while :; do echo x; done").with(BOTH));
    expect("x\r\n");
    agent.send(7, 1, 1);
    Ended ended = agent.end(1);
    assertTrue(ended.how() == 1 || ended.value() != 0, ended::toString);
  }

  /** Which has no standard error of its own. */
  @Test
  void theEndOfStandardErrorIsNotTheKeyboards() throws IOException {
    agent.exec(1, Command.shell("echo on; read x; echo got $x").with(BOTH));
    expect("on\r\n");
    agent.send(7, 2, 1);
    type("key\n");
    expect("got key\r\n");
    assertEquals(0, agent.end(1).value());
  }
}
