// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.pcap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class PcapWriterTest {
  @TempDir Path directory;

  private Path file() {
    return directory.resolve("net.pcap");
  }

  @Test
  void recordsAreReadableAtOnceWithTheTimeAndAllBytes() throws IOException {
    Frame small = TestFrames.hex(TestFrames.UDP4);
    Frame large = TestFrames.numbered(1, 2, 3, Frame.MAX_BYTES);
    try (PcapWriter writer = PcapWriter.open(file())) {
      assertEquals(List.of(), PcapFile.read(file()));
      Instant before = Instant.now();
      writer.record(small, writer.now());
      Instant after = Instant.now();
      PcapFile.Packet first = PcapFile.read(file()).get(0);
      assertArrayEquals(TestFrames.bytes(small), first.bytes());
      Instant stamp = Instant.ofEpochSecond(0, first.nanos());
      assertTrue(stamp.isAfter(before.minusMillis(5)) && stamp.isBefore(after.plusMillis(5)));

      writer.record(large, writer.now());
      writer.record(small, 1_700_000_000_123_456_789L);
      List<PcapFile.Packet> packets = PcapFile.read(file());
      assertArrayEquals(TestFrames.bytes(large), packets.get(1).bytes());
      assertEquals(Frame.MAX_BYTES, packets.get(1).length());
      assertTrue(packets.get(1).nanos() > first.nanos());
      assertEquals(1_700_000_000_123_456_789L, packets.get(2).nanos());
    }
  }

  @Test
  void leavesAnythingThatIsNoCaptureOrInUseAsItIs() throws IOException {
    for (String content : new String[] {"disk", "a disk image", "x"}) {
      Files.writeString(file(), content);
      IOException e = assertThrows(IOException.class, () -> PcapWriter.open(file()));
      assertTrue(e.getMessage().contains("no capture of ours"), e.getMessage());
      assertEquals(content, Files.readString(file()));
    }
    Files.delete(file());
    try (PcapWriter writer = PcapWriter.open(file())) {
      writer.record(TestFrames.hex(TestFrames.UDP4), writer.now());
      IOException e = assertThrows(IOException.class, () -> PcapWriter.open(file()));
      assertTrue(e.getMessage().contains("in use"), e.getMessage());
    }
    PcapWriter.open(file()).close();
    assertEquals(24, Files.size(file()), "an old capture is emptied");
    Files.write(file(), new byte[0]);
    PcapWriter.open(file()).close();
  }

  @Test
  void tcpdumpReadsIt() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/tcpdump")), "tcpdump is not installed");
    try (PcapWriter writer = PcapWriter.open(file())) {
      writer.record(TestFrames.hex(TestFrames.UDP4), 1_700_000_000_123_456_789L);
      writer.record(TestFrames.hex(TestFrames.TCP6), 1_700_000_001_000_000_001L);
      List<String> lines = tcpdump();
      assertEquals(2, lines.size());
      assertTrue(lines.get(0).startsWith("1700000000.123456789 IP 10.9.8.1."), lines.get(0));
      assertTrue(lines.get(0).endsWith("UDP, length 5"), lines.get(0));
      assertTrue(lines.get(1).startsWith("1700000001.000000001 IP6 fd09::1."), lines.get(1));
      writer.record(TestFrames.hex(TestFrames.UDP6), writer.now());
      assertEquals(3, tcpdump().size());
    }
  }

  private List<String> tcpdump() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                "tcpdump", "-r", file().toString(), "-nn", "-tt", "--time-stamp-precision=nano")
            .redirectError(directory.resolve("errors").toFile())
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> "tcpdump: see " + directory);
    return out.lines().toList();
  }

  @Test
  void recordsOfManyThreadsStayWhole() throws Exception {
    Thread[] threads = new Thread[4];
    try (PcapWriter writer = PcapWriter.open(file())) {
      for (int i = 0; i < threads.length; i++) {
        int id = i;
        threads[i] =
            new Thread(
                () -> {
                  for (int n = 0; n < 500; n++) {
                    Frame frame = TestFrames.numbered(1, id, id * 500 + n, 60 + n);
                    writer.record(frame, writer.now());
                  }
                });
        threads[i].start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    Set<Integer> numbers = new HashSet<>();
    for (PcapFile.Packet packet : PcapFile.read(file())) {
      int number = TestFrames.number(TestFrames.of(packet.bytes()));
      numbers.add(number);
      assertEquals(60 + number % 500, packet.length());
    }
    assertEquals(2000, numbers.size());
  }

  @Test
  void unusableFilesAreRefusedInOneLine() throws Exception {
    refused(directory.resolve("none/x.pcap"), "No such directory");
    refused(directory, "not a regular file");
    refused(Path.of("/dev/full"), "not a regular file");
    Path pipe = directory.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    refused(pipe, "not a regular file");
    // Whether a user may open it for writing or not, it is no capture.
    refused(Path.of("/proc/version"), "denied", "not permitted", "no capture");
  }

  private static void refused(Path path, String... causes) {
    IOException e = assertThrows(IOException.class, () -> PcapWriter.open(path).close());
    String message = e.getMessage();
    assertTrue(message.startsWith("pcap " + path + ": "), message);
    boolean named = List.of(causes).stream().anyMatch(message::contains);
    assertTrue(named && message.endsWith("for the capture"), message);
    assertEquals(1, message.lines().count());
  }

  @Test
  void fullDiskEndsTheCaptureWithWholeRecords() throws Exception {
    Path disk = Files.createDirectory(directory.resolve("disk"));
    String[] mount = {"mount", "-t", "tmpfs", "-o", "size=64k", "jkvm-test", disk.toString()};
    boolean mounted = new ProcessBuilder(mount).start().waitFor() == 0;
    assumeTrue(mounted, "a tmpfs of 64 KiB cannot be mounted: needs root");
    try {
      Path file = disk.resolve("net.pcap");
      try (PcapWriter writer = PcapWriter.open(file)) {
        Frame frame = TestFrames.numbered(1, 2, 3, 5000);
        for (int i = 0; i < 100; i++) {
          writer.record(frame, writer.now());
        }
        assertFalse(writer.isOpen());
      }
      assertEquals((65536 - 24) / 5016, PcapFile.read(file).size());

      fill(disk.resolve("filler"));
      refused(disk.resolve("late.pcap"), "No space left on device");
    } finally {
      assertEquals(0, new ProcessBuilder("umount", disk.toString()).start().waitFor());
    }
  }

  private static void fill(Path path) {
    assertThrows(IOException.class, () -> Files.write(path, new byte[200_000]));
  }
}
