// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * How the agent looks for its channel, in a {@code /sys} and {@code /proc} that the test makes: it
 * gives up where the kernel never can have it, and where it may come it waits without a limit.
 */
@Timeout(300)
class AgentSearchTest {
  private static final String NONE = "jkvm-agent: no channel to the host: the kernel lacks ";
  private static final String DEVICE = "sys/bus/virtio/devices/virtio3/device";
  private static final String DRIVER = "sys/bus/virtio/drivers/virtio_console";

  @TempDir static Path built;
  private static Path program;

  @TempDir Path folder;
  private Path log;
  private Process agent;
  private int fifos;

  /** The name of a port that is not the agent's: who has it open looks at it just now. */
  private OutputStream lookedAt;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    program = AgentProcess.build(built);
  }

  /** A kernel with a virtio bus and a port of another program's. */
  @BeforeEach
  void make() throws Exception {
    log = folder.resolve("log");
    Files.createDirectories(folder.resolve("dev"));
    Files.createDirectories(folder.resolve("proc/self"));
    Files.createDirectories(folder.resolve("sys/kernel"));
    Files.createDirectories(folder.resolve("sys/class/virtio-ports/vport3p0"));
    Files.createDirectories(folder.resolve("sys/bus/virtio/devices"));
    Files.createDirectories(folder.resolve("sys/bus/virtio/drivers/virtio_blk"));
    file("sys/bus/virtio/devices/virtio0/device", "0x0002\n");
    nextLook();
  }

  @AfterEach
  void end() throws Exception {
    if (lookedAt != null) {
      lookedAt.close();
    }
    agent.destroyForcibly().waitFor();
  }

  private void file(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private Path portName() {
    return folder.resolve("sys/class/virtio-ports/vport3p0/name");
  }

  private void nextLook() throws Exception {
    Path fifo = folder.resolve("fifo" + fifos++);
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    Files.move(fifo, portName(), StandardCopyOption.REPLACE_EXISTING);
  }

  /** Waits until the agent has opened the pipe; one that is gone is no reason to wait for ever. */
  private void awaitLook() throws IOException {
    Path pipe = portName();
    agent.onExit().thenRun(() -> open(pipe));
    lookedAt = new FileOutputStream(pipe.toFile());
  }

  private static void open(Path pipe) {
    try {
      FileChannel.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE).close();
    } catch (IOException e) {
      // The test is over, and its folder gone.
    }
  }

  /** Starts it, and waits until it looks for its port. */
  private void start() throws Exception {
    agent =
        new ProcessBuilder(program.toString(), "--harmless", "--below", folder.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    awaitLook();
  }

  /** Lets it go on, and waits until it looks again: then it has said what it had to say. */
  private List<String> saidInOneRound() throws Exception {
    nextLook();
    goOn();
    awaitLook();
    return said();
  }

  private void goOn() throws IOException {
    lookedAt.write("org.another\n".getBytes(StandardCharsets.US_ASCII));
    lookedAt.close();
    lookedAt = null;
  }

  /** Without the hint that comes where all this takes more than ten seconds. */
  private List<String> said() throws IOException {
    return Files.readAllLines(log).stream().filter(line -> !line.contains(" yet: ")).toList();
  }

  /** A file in place of a port: it takes the agent's first frame, and then it is at its end. */
  private void portComes() throws Exception {
    file("dev/vport3p1", "");
    file("sys/class/virtio-ports/vport3p1/name", "io.jkvm.agent\n");
    file("another", "org.another\n"); // at which nobody waits
    Files.move(folder.resolve("another"), portName(), StandardCopyOption.REPLACE_EXISTING);
    goOn();
    assertEquals(0, agent.waitFor());
    byte[] hello = Files.readAllBytes(folder.resolve("dev/vport3p1"));
    assertEquals(8 + 32, hello.length);
    String magic = new String(Arrays.copyOfRange(hello, 8, 16), StandardCharsets.US_ASCII);
    assertEquals("jkvm-agt", magic);
  }

  @Test
  void waitsForAPortThatTheDeviceHasNotAnnouncedYet() throws Exception {
    file(DEVICE, "0x0003\n");
    Files.createDirectories(folder.resolve(DRIVER));
    start();
    assertEquals(List.of(), saidInOneRound());
    assertEquals(List.of(), saidInOneRound());
    portComes();
    assertEquals(List.of(), said());
  }

  @Test
  void namesADriverThatNeverComes() throws Exception {
    file(DEVICE, "0x0003\n");
    start();
    List<String> once = List.of(NONE + "CONFIG_VIRTIO_CONSOLE, or the module of it");
    assertEquals(once, saidInOneRound());
    assertEquals(once, saidInOneRound());
  }

  @Test
  void waitsForASocketDevice() throws Exception {
    file(DEVICE, "0x0013\n");
    start();
    assertEquals(List.of(), saidInOneRound());
    portComes();
  }

  /** The init that has started it may be about to do so. */
  @Test
  void waitsForProcAndSysToBeMounted() throws Exception {
    Files.delete(folder.resolve("proc/self"));
    start();
    assertEquals(List.of(), saidInOneRound());
    Files.createDirectory(folder.resolve("proc/self"));
    assertEquals(1, saidInOneRound().size());
  }

  @Test
  void namesATransportThatNeverComes() throws Exception {
    Files.createDirectories(folder.resolve(DRIVER));
    start();
    assertEquals(
        List.of(NONE + "CONFIG_VIRTIO_PCI or CONFIG_VIRTIO_MMIO, or the module of it"),
        saidInOneRound());
  }

  @Test
  void namesBothIfBothAreMissing() throws Exception {
    start();
    assertEquals(
        List.of(
            NONE
                + "CONFIG_VIRTIO_CONSOLE and one of CONFIG_VIRTIO_PCI and CONFIG_VIRTIO_MMIO,"
                + " or the modules of them"),
        saidInOneRound());
  }

  @Test
  void namesSysfsWithoutWhichItSeesNothing() throws Exception {
    Files.move(folder.resolve("sys/bus"), folder.resolve("elsewhere"));
    start();
    assertEquals(List.of(NONE + "CONFIG_SYSFS"), saidInOneRound());
  }

  /** With another init than the agent somebody may load it. */
  @Test
  void waitsForAModule() throws Exception {
    file("proc/modules", "");
    start();
    assertEquals(List.of(), saidInOneRound());
    Files.createDirectories(folder.resolve(DRIVER));
    assertEquals(List.of(), saidInOneRound());
    file(DEVICE, "0x0003\n");
    assertEquals(List.of(), saidInOneRound());
    portComes();
    assertEquals(List.of(), said());
  }

  /** Should it be wrong for once: the host believes a channel more than the line. */
  @Test
  void takesAChannelThatComesAllTheSame() throws Exception {
    start();
    assertEquals(1, saidInOneRound().size());
    portComes();
  }
}
