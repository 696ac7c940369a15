// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.devices.network.pcap.PcapWriter;
import io.jkvm.devices.network.testing.TcpFrame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What somebody else's code says of the segments. */
class SegmentsInTcpdumpTest {
  @TempDir Path directory;

  @Test
  void tcpdumpFindsEveryChecksumCorrect() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/tcpdump")), "tcpdump is not installed");
    Path file = directory.resolve("segments.pcap");
    SoftwareOffload offload = new SoftwareOffload();
    int segments = 0;
    try (PcapWriter writer = PcapWriter.open(file)) {
      SoftwareOffload.Output output =
          frame -> {
            writer.record(frame, writer.now());
            return true;
          };
      for (int i = 0; i < 8; i++) {
        TcpFrame tcp = new TcpFrame();
        tcp.ipv6 = i % 2 == 1;
        tcp.tags = i / 4;
        tcp.ipExtra = i % 4 / 2 * 8;
        tcp.payload = 9999;
        assertTrue(offload.finish(tcp.build(), Offload.NONE, output));
        segments += 7;
      }
    }
    String text = tcpdump(file);
    assertEquals(segments, text.split("\\(correct\\)", -1).length - 1, text);
    assertFalse(text.contains("incorrect"), text);
    assertFalse(text.contains("bad cksum"), text);
  }

  private String tcpdump(Path file) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("tcpdump", "-r", file.toString(), "-nn", "-vv")
            .redirectError(directory.resolve("errors").toFile())
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor());
    return out;
  }
}
