// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.VirtioTransport;
import io.jkvm.machine.spec.VirtualSwitch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Two Linux guests that copy a disk to a disk, send it over the network, print and sleep, all at
 * once and again and again, while both are paused some thousand times: every checksum and every
 * line is right.
 */
@RequiresKvm
@Execution(ExecutionMode.CONCURRENT)
@Timeout(1200)
class PauseIT {
  private static final Duration PATIENCE = Duration.ofMinutes(10);
  private static final int MIN_ROUNDS = 3;
  private static final int CONTENT_BYTES = 128 << 10;
  private static final int LINES = 20;

  private static final String SERVER =
      "n=0; while ! read -t 1 x; do n=$((n+1));"
          + " dd if=/dev/vda of=/dev/vdb bs=16k conv=fsync 2>/dev/null &"
          + " i=0; while [ $i -lt "
          + LINES
          + " ]; do echo round $n line $i; i=$((i+1)); done;"
          + " nc -l -p 5000 -e dd if=/dev/vda bs=16k 2>/dev/null;"
          + " wait; echo disk $(sha256sum < /dev/vdb); done; echo bye";
  private static final String CLIENT =
      "while ! read -t 1 x; do nc 10.9.0.1 5000 -e dd of=/tmp/f bs=16k 2>/dev/null || continue;"
          + " echo net $(sha256sum < /tmp/f); done; echo bye";

  @TempDir Path folder;

  private static MachineSpecBuilder guest(int number, int cpus, String transport, String command) {
    return MachineSpec.boot(ProjectFiles.guestImage(cpus == 1 ? "bzImage" : "bzImage-smp"))
        .name("paused-" + number)
        .initrd(ProjectFiles.guestImage("initramfs.cpio"))
        .memoryMiB(128)
        .cpus(cpus)
        .transport(VirtioTransport.valueOf(transport))
        .commandLine("quiet root=/dev/ram0 jkvm.ip=10.9.0." + number + "/24")
        .commandLine("jkvm.run=\"" + command + "\"");
  }

  @Test
  void thousandsOfPausesUnderLoadLoseNothing() throws Exception {
    assertNothingIsLost(1, "PCI", 2000);
  }

  @Test
  @LongTest
  void aThousandPausesOfTwoProcessorsLoseNothing() throws Exception {
    assertNothingIsLost(2, "MMIO", 1000);
  }

  private void assertNothingIsLost(int cpus, String transport, int pauses) throws Exception {
    byte[] content = new byte[CONTENT_BYTES];
    new Random(cpus).nextBytes(content);
    String sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    Path source = Files.write(folder.resolve("source.img"), content);
    Path copy = Files.write(folder.resolve("copy.img"), new byte[content.length]);
    Path serverLog = folder.resolve("server.log");
    Path clientLog = folder.resolve("client.log");
    VirtualSwitch lan = new VirtualSwitch("lan");
    NetworkSpec network = new NetworkSpec.Switch(lan);
    MachineSpec serverSpec =
        guest(1, cpus, transport, SERVER)
            .disk(DiskSpec.raw(source).asReadOnly())
            .disk(DiskSpec.raw(copy))
            .card(CardSpec.on(network))
            .build();
    MachineSpec clientSpec = guest(2, cpus, transport, CLIENT).card(CardSpec.on(network)).build();
    try (ConsoleStream serverStream = ConsoleStream.file(serverLog, e -> {});
        ConsoleStream clientStream = ConsoleStream.file(clientLog, e -> {})) {
      try (Machine server = Machine.create(serverSpec);
          Machine client = Machine.create(clientSpec)) {
        server.console().attach(serverStream);
        client.console().attach(clientStream);
        server.start();
        client.start();
        // From the first work on, so that all pauses are of a guest that works.
        server.console().newReader().expect("round 1 line 0", PATIENCE);
        pauseInTurns(server, client, clientLog, pauses);
        end(server);
        end(client);
      }
      assertTrue(serverStream.close(PATIENCE));
      assertTrue(clientStream.close(PATIENCE));
    }
    checkServer(Files.readAllLines(serverLog), sum);
    List<String> received = sums(Files.readAllLines(clientLog), "net ");
    assertTrue(received.size() >= MIN_ROUNDS, "transfers: " + received);
    received.forEach(line -> assertEquals("net " + sum + " -", line));
  }

  /** Pauses until there were enough of them and the guests have got somewhere. */
  private static void pauseInTurns(Machine server, Machine client, Path log, int pauses)
      throws Exception {
    Random random = new Random(42);
    // The server, which has all of the load, each time, and the client now and then.
    for (int i = 0; i < pauses || i % 100 != 0 || rounds(log) < MIN_ROUNDS; i++) {
      if (i % 4 == 0) {
        client.pause();
        client.resume();
      }
      Machine machine = server;
      machine.pause();
      LockSupport.parkNanos(random.nextInt(500_000));
      machine.resume();
      // The load: a guest needs some time between two pauses to get anywhere.
      LockSupport.parkNanos(5_000_000 + random.nextInt(20_000_000));
    }
  }

  private static int rounds(Path log) throws Exception {
    return sums(Files.readAllLines(log), "net ").size();
  }

  private static void end(Machine machine) throws InterruptedException {
    machine.console().send("\n");
    machine.console().newReader().expect("bye", PATIENCE);
    StopReason reason = machine.awaitStop(PATIENCE).orElseThrow();
    assertEquals(StopReason.Outcome.CLEAN, reason.kind().outcome(), reason::toString);
  }

  private static void checkServer(List<String> lines, String sum) {
    List<String> copied = sums(lines, "disk ");
    assertTrue(copied.size() >= MIN_ROUNDS, "copies: " + copied);
    copied.forEach(line -> assertEquals("disk " + sum + " -", line));
    for (int round = 1; round <= copied.size(); round++) {
      String prefix = "round " + round + " line ";
      List<String> expected = IntStream.range(0, LINES).mapToObj(i -> prefix + i).toList();
      assertEquals(expected, sums(lines, prefix));
    }
  }

  private static List<String> sums(List<String> lines, String prefix) {
    return lines.stream().map(String::strip).filter(line -> line.startsWith(prefix)).toList();
  }
}
