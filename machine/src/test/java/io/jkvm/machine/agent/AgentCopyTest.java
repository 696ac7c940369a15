// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.agent.AgentProcess.Ended;
import io.jkvm.machine.agent.AgentProcess.Frame;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies that are given up while they wait for something that need not ever come. */
@Timeout(300)
class AgentCopyTest {
  private static final int SIGNAL = 8;
  private static final int CLOSE = 7;
  private static final int FAILED = 4;
  private static final int ECANCELED = 125;

  @TempDir static Path built;
  private static Path program;

  @TempDir Path folder;
  private AgentProcess agent;
  private Path fifo;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    program = AgentProcess.build(built);
  }

  @BeforeEach
  void start() throws Exception {
    agent = AgentProcess.greeted(program, folder);
    fifo = folder.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
  }

  @AfterEach
  void stop() throws IOException {
    agent.close();
  }

  private void read(int task, Path file) throws IOException {
    byte[] path = AgentProcess.text(file + "\0");
    agent.send(10, 0, task, AgentProcess.numbers(4).putInt(path.length));
    agent.sendStrings(task, path);
  }

  private void write(int task, Path file) throws IOException {
    byte[] path = AgentProcess.text(file + "\0");
    agent.send(11, 0, task, AgentProcess.numbers(8).putInt(0600).putInt(path.length));
    agent.sendStrings(task, path);
  }

  private void giveUp(int task, int how) throws IOException {
    ByteBuffer signal = AgentProcess.numbers(8).putInt(2).putInt(0);
    if (how == SIGNAL) {
      agent.send(SIGNAL, 0, task, signal);
    } else {
      agent.send(CLOSE, 1, task);
    }
  }

  private static void assertGivenUp(Ended ended) {
    assertEquals(FAILED, ended.how(), ended::text);
    assertEquals(ECANCELED, ended.value(), ended::text);
  }

  /** It sleeps in open(2), or has not come so far. */
  @ParameterizedTest
  @ValueSource(ints = {SIGNAL, CLOSE})
  void aFifoThatNobodyWritesTo(int how) throws IOException {
    read(1, fifo);
    giveUp(1, how);
    assertGivenUp(agent.end(1));
  }

  @ParameterizedTest
  @ValueSource(ints = {SIGNAL, CLOSE})
  void aFifoThatNobodyReads(int how) throws IOException {
    write(1, fifo);
    giveUp(1, how);
    assertGivenUp(agent.end(1));
    assertTrue(Files.exists(fifo));
  }

  /** It sleeps in read(2): what was written before has come. */
  @Test
  void aFifoInWhichNothingMoreIsWritten() throws IOException {
    read(1, fifo);
    try (OutputStream writer = Files.newOutputStream(fifo, StandardOpenOption.WRITE)) {
      writer.write('x');
      Frame data = agent.next();
      assertEquals(67, data.type());
      giveUp(1, SIGNAL);
      assertGivenUp(agent.end(1));
    }
  }

  @Test
  void theNumbersOfThoseGivenUpAreFree() throws IOException {
    for (int task = 1; task <= 64; task++) {
      read(task, fifo);
    }
    for (int task = 1; task <= 64; task++) {
      giveUp(task, SIGNAL);
      assertGivenUp(agent.end(task));
    }
    assertEquals(0, agent.run("true").value());
  }

  @Test
  void aFileIsNotChangedByACopyThatWasGivenUp() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "before");
    write(1, file);
    agent.send(4, 0, 1, AgentProcess.text("after"));
    giveUp(1, CLOSE);
    assertGivenUp(agent.end(1));
    assertEquals("before", Files.readString(file));
    try (var all = Files.list(folder)) {
      assertTrue(all.noneMatch(path -> path.toString().contains(".jkvm-")));
    }
  }
}
