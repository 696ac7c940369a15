// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two jkvm processes joined by a Unix socket. */
@RequiresKvm
@Timeout(1200)
@Guests(2)
@LongTest
class SocketNetworkIT {
  @TempDir Path folder;

  @Test
  void twoProcessesExchangeAFileAndStreams() throws Exception {
    Path socket = folder.resolve("lan");
    Path capture = folder.resolve("lan.pcap");
    try (JkvmProcess one =
        start(
            "10.9.0.1",
            "sha256sum < /bin/busybox; nc -l -p 5000 -e dd if=/bin/busybox bs=256k;"
                + " nc -l -p 5001 -e dd of=/tmp/g bs=256k; sha256sum < /tmp/g; iperf3 -s",
            "socket=listen:" + socket + ",pcap=" + capture)) {
      one.awaitOutput("Linux is up");
      assertTrue(Files.exists(socket));
      JkvmProcess.Result second;
      try (JkvmProcess two =
          start(
              "10.9.0.2",
              "until "
                  + String.format(NetGuest.RECEIVE, "10.9.0.1", 5000)
                  + "; do sleep 1; done;"
                  + " sha256sum < /tmp/f; sleep 1; until "
                  + String.format(NetGuest.SEND, "10.9.0.1", 5001)
                  + "; do sleep 1; done; "
                  + IperfIT.againstAnotherGuest("10.9.0.1"),
              "socket=connect:" + socket)) {
        second = two.awaitEnd(JkvmProcess.BOOT_SECONDS);
      }
      assertEquals(0, second.status(), second::toString);
      IperfIT.assertReceivedFromAnotherGuest(second.out());
      JkvmProcess.signal(one.pid(), "TERM");
      JkvmProcess.Result first = one.awaitEnd(JkvmProcess.STOP_SECONDS);
      String[] sums =
          first.out().lines().filter(line -> line.endsWith("  -")).toArray(String[]::new);
      assertEquals(2, sums.length, first::toString);
      assertEquals(sums[0], sums[1], first::toString);
      assertTrue(second.out().contains(sums[0]), second::toString);
      assertTrue(Files.size(capture) > 1 << 20, "the capture holds the transfer");
      assertTrue(Files.notExists(socket), "the socket is left behind");
    }
  }

  private static JkvmProcess start(String address, String command, String network)
      throws Exception {
    String tools = ProjectFiles.guestImage("network-tools.cpio").toString();
    return JkvmProcess.start(
        NetGuest.args(
            "jkvm.ip=" + address + "/24",
            command,
            "--initrd",
            tools,
            "--mem",
            "128M",
            "--net",
            network));
  }
}
