// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.ProjectFiles;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The agent's program as a process of this host, behind a socket in place of a machine's port. */
final class HostedAgent implements AgentChannel {
  private final Process process;
  private final SocketChannel socket;
  private final Thread reader;
  private final GuestAgent agent = new GuestAgent(this);

  private HostedAgent(Process process, SocketChannel socket) {
    this.process = process;
    this.socket = socket;
    reader = new Thread(this::read, "agent-socket");
    reader.setDaemon(true);
    reader.start();
  }

  /** Builds the agent in a directory; skips the test where there is no compiler. */
  static Path build(Path directory) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "there is no gcc");
    Path program = directory.resolve("agent");
    Path recipe = ProjectFiles.root().resolve("guest-images/agent/make-agent.sh");
    Process build =
        new ProcessBuilder("sh", recipe.toString(), program.toString()).inheritIO().start();
    assertEquals(0, build.waitFor());
    return program;
  }

  static HostedAgent start(Path program, Path directory) throws IOException {
    Path path = directory.resolve("s" + System.nanoTime());
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      Process process =
          new ProcessBuilder(program.toString(), "--harmless", "--port", path.toString())
              .inheritIO()
              .start();
      return new HostedAgent(process, server.accept());
    }
  }

  GuestAgent agent() {
    return agent;
  }

  Process process() {
    return process;
  }

  private void read() {
    ByteBuffer bytes = ByteBuffer.allocate(4096);
    try {
      while (socket.read(bytes.clear()) >= 0) {
        agent.accept(bytes.flip());
      }
    } catch (IOException e) {
      // Closed, here or there.
    }
    agent.fail("the guest's agent is gone");
  }

  @Override
  public int offer(ByteBuffer bytes) {
    try {
      return socket.write(bytes);
    } catch (IOException e) {
      agent.fail("the socket is gone: " + e);
      return 0;
    }
  }

  @Override
  public void awaitRoom(int timeoutMilliseconds) {
    Thread.yield(); // the socket blocks
  }

  void close() throws IOException, InterruptedException {
    socket.close();
    process.waitFor(1, TimeUnit.MINUTES);
    process.destroyForcibly();
  }
}
