// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The guest's agent as an ordinary process of this machine, and the host's side of its protocol
 * written a second time, by hand: what a test sends may be as wrong as it likes.
 */
final class AgentProcess implements AutoCloseable {
  static final int WINDOW = 262_144;
  static final int FRAME = 65_536;

  /** A frame from the agent. */
  record Frame(int type, int stream, int task, byte[] bytes) {
    int u32(int at) {
      return buffer(bytes).getInt(at);
    }
  }

  /** How a task ended, and what it wrote before. */
  record Ended(int how, int value, int flags, String text, byte[] output, byte[] errors) {
    String out() {
      return new String(output, StandardCharsets.ISO_8859_1);
    }

    String err() {
      return new String(errors, StandardCharsets.ISO_8859_1);
    }
  }

  private final Process process;
  private final SocketChannel channel;
  private final File log;
  private final ByteBuffer input =
      ByteBuffer.allocate(4 * FRAME).order(ByteOrder.LITTLE_ENDIAN).limit(0);

  /** Starts it without a word from the host. */
  AgentProcess(Path program, Path folder, String... wrapper) throws IOException {
    Path socket = folder.resolve("agent.socket");
    Files.deleteIfExists(socket);
    log = folder.resolve("agent.log").toFile();
    List<String> command = new ArrayList<>(List.of(wrapper));
    command.add(program.toString());
    if (wrapper.length == 0) {
      command.add("--harmless");
    }
    command.addAll(List.of("--port", socket.toString()));
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
      channel = server.accept();
    }
  }

  /** Starts it and exchanges HELLO, in which the clock is left alone. */
  static AgentProcess greeted(Path program, Path folder, String... wrapper) throws IOException {
    AgentProcess agent = new AgentProcess(program, folder, wrapper);
    Frame hello = agent.next();
    assertEquals(65, hello.type());
    assertArrayEquals("jkvm-agt".getBytes(StandardCharsets.US_ASCII), first(hello.bytes(), 8));
    assertEquals(1, hello.u32(8));
    assertEquals(1, hello.u32(12), "features");
    assertEquals(32, hello.bytes().length);
    agent.send(1, 0, 0, numbers(12).putInt(1).putLong(0));
    return agent;
  }

  /** Builds the agent by its recipe; without a compiler the test is left out. */
  static Path build(Path folder) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "gcc is not there");
    Path recipe =
        Path.of(System.getProperty("jkvm.root", ".."), "guest-images/agent/make-agent.sh");
    Path program = folder.resolve("agent");
    File log = folder.resolve("gcc.log").toFile();
    Process gcc =
        new ProcessBuilder("sh", recipe.toString(), program.toString())
            .redirectErrorStream(true)
            .redirectOutput(log)
            .start();
    assertEquals(0, gcc.waitFor(), () -> text(log));
    return program;
  }

  static ByteBuffer numbers(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer buffer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static byte[] first(byte[] bytes, int count) {
    return Arrays.copyOf(bytes, count);
  }

  static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(File file) {
    try {
      return Files.readString(file.toPath());
    } catch (IOException e) {
      return e.toString();
    }
  }

  void send(int type, int stream, int task, ByteBuffer bytes) throws IOException {
    send(type, stream, task, bytes.array());
  }

  void send(int type, int stream, int task, byte... bytes) throws IOException {
    ByteBuffer frame = numbers(8 + bytes.length);
    frame.putInt(bytes.length).put((byte) type).put((byte) stream).putShort((short) task);
    sendRaw(frame.put(bytes).array());
  }

  void sendRaw(byte[] bytes) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    while (rest.hasRemaining()) {
      channel.write(rest);
    }
  }

  void exec(int task, Command command) throws IOException {
    ByteArrayOutputStream strings = new ByteArrayOutputStream();
    for (byte[] string : command.strings()) {
      strings.write(string);
      strings.write(0);
    }
    ByteBuffer exec = numbers(20).putInt(command.flags());
    exec.putShort((short) command.rows()).putShort((short) command.columns());
    exec.putInt(command.arguments().size()).putInt(command.environment().size());
    send(2, 0, task, exec.putInt(strings.size()));
    sendStrings(task, strings.toByteArray());
  }

  void sendStrings(int task, byte[] strings) throws IOException {
    for (int at = 0; at < strings.length; at += FRAME) {
      send(3, 0, task, Arrays.copyOfRange(strings, at, Math.min(at + FRAME, strings.length)));
    }
  }

  void credit(int task, int stream, int bytes) throws IOException {
    send(6, stream, task, numbers(4).putInt(bytes));
  }

  /** The next frame; EOFException when the agent is gone. */
  Frame next() throws IOException {
    fill(8);
    int size = input.getInt();
    assertTrue(size >= 0 && size <= FRAME, () -> "a frame of " + size);
    int type = input.get() & 0xff;
    int stream = input.get() & 0xff;
    int task = input.getShort() & 0xffff;
    fill(size);
    byte[] bytes = new byte[size];
    input.get(bytes);
    return new Frame(type, stream, task, bytes);
  }

  private void fill(int wanted) throws IOException {
    if (input.remaining() >= wanted) {
      return;
    }
    input.compact();
    while (input.position() < wanted) {
      if (channel.read(input) < 0) {
        throw new EOFException("the agent is gone: " + text(log));
      }
    }
    input.flip();
  }

  /** Takes all output of a task until it has ended. */
  Ended end(int task) throws IOException {
    ByteArrayOutputStream[] outputs = {new ByteArrayOutputStream(), new ByteArrayOutputStream()};
    while (true) {
      Frame frame = next();
      if (frame.task() != task) {
        continue;
      }
      if (frame.type() == 67) {
        outputs[frame.stream() - 1].write(frame.bytes());
        credit(task, frame.stream(), frame.bytes().length);
      } else if (frame.type() == 70) {
        byte[] why = Arrays.copyOfRange(frame.bytes(), 12, frame.bytes().length);
        return new Ended(
            frame.u32(0),
            frame.u32(4),
            frame.u32(8),
            new String(why, StandardCharsets.UTF_8),
            outputs[0].toByteArray(),
            outputs[1].toByteArray());
      }
    }
  }

  Ended run(Command command) throws IOException {
    exec(1, command);
    return end(1);
  }

  Ended run(String... arguments) throws IOException {
    return run(Command.of(arguments));
  }

  /** Waits for its end: 128 + n for a signal. */
  int exitStatus() throws InterruptedException {
    return process.waitFor();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  String log() {
    return text(log);
  }

  void closeChannel() throws IOException {
    channel.close();
  }

  void closeSending() throws IOException {
    channel.shutdownOutput();
  }

  /** Ends it; what it runs it takes along. */
  @Override
  public void close() throws IOException {
    channel.close();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
