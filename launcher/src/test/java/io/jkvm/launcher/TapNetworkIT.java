// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.NetworkNamespace;
import io.jkvm.core.testing.RequiresKvm;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Linux on a tap interface in a network namespace of the test's own. */
@RequiresKvm
@Timeout(1200)
@Guests
class TapNetworkIT {
  private static final String HOST = "192.168.77.1";
  private static final String GUEST = "192.168.77.2";
  private static final String IP = "jkvm.ip=" + GUEST + "/24";
  private static final int PORT = 5000;

  private NetworkNamespace host;

  @BeforeEach
  void makeTap() throws Exception {
    host = NetworkNamespace.create();
    host.exec("ip", "tuntap", "add", "dev", "jk0", "mode", "tap");
    host.exec("ip", "addr", "add", HOST + "/24", "dev", "jk0");
    host.exec("ip", "link", "set", "jk0", "up");
  }

  @AfterEach
  void close() {
    if (host != null) {
      host.close();
    }
  }

  private ServerSocket listen(int port) throws Exception {
    return host.call(() -> new ServerSocket(port, 1, InetAddress.getByName(HOST)));
  }

  private JkvmProcess start(String command, String... more) throws Exception {
    return host.call(() -> JkvmProcess.start(NetGuest.args(IP, command, more)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"pci", "mmio"})
  void aLargeFileThereAndBack(String transport) throws Exception {
    byte[] data = NetGuest.data(12 << 20);
    try (ServerSocket to = listen(PORT);
        ServerSocket from = listen(PORT + 1);
        JkvmProcess guest =
            start(
                String.format(
                    NetGuest.RECEIVE + "; sha256sum /tmp/f; " + NetGuest.SEND + "; read line",
                    HOST,
                    PORT,
                    HOST,
                    PORT + 1),
                "--net",
                "tap=jk0",
                "--virtio",
                transport)) {
      NetGuest.serve(to, data);
      byte[] back = NetGuest.take(from);
      // Only now: a guest that stops takes along what its kernel has still to send.
      guest.send("\n");
      JkvmProcess.Result result = guest.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertTrue(result.out().contains(NetGuest.sha256(data)), result::toString);
      assertArrayEquals(data, back);
    }
  }

  /** One boot for all that leaves the guest as it is; the tap's end comes last. */
  @Test
  void everyMtuWorksAndTenThousandPingsAndADeletedTapTakesTheLinkDownAndNothingElse()
      throws Exception {
    host.exec("ip", "link", "set", "jk0", "mtu", "65521");
    StringBuilder command = new StringBuilder("cat /sys/class/net/eth0/mtu;");
    for (int mtu : new int[] {65521, 9000, 1500, 68}) {
      int size = Math.min(mtu - 28, 65507);
      command.append(
          String.format(
              "ip link set eth0 mtu %d && ping -q -c 3 -W 10 -s %d %s || echo FAILED at %d;",
              mtu, size, HOST, mtu));
    }
    command.append(
        "ip link set eth0 mtu 1500; echo ready;"
            + " while [ `cat /sys/class/net/eth0/carrier` = 1 ]; do sleep 1; done;"
            + " echo no carrier; exit 0");
    try (JkvmProcess guest = start(command.toString(), "--net", "tap=jk0")) {
      guest.awaitOutput("ready");
      String mtus = guest.output();
      assertTrue(mtus.contains("65521\n") || mtus.contains("65521\r\n"), mtus);
      assertTrue(!mtus.contains("FAILED"), mtus);

      // As quick as answers come, three of them awaited: frames meet in the queues.
      Process ping =
          host.start(
              new ProcessBuilder("ping", "-q", "-A", "-l", "3", "-c", "10000", "-s", "300", GUEST));
      String output = new String(ping.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, ping.waitFor(), output);
      assertTrue(output.contains("10000 received"), output);

      host.exec("ip", "link", "del", "jk0");
      JkvmProcess.Result result = guest.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertTrue(result.out().contains("no carrier"), result::toString);
      assertEquals(
          1, result.err().lines().filter(l -> l.contains("jk0")).count(), result::toString);
    }
  }

  @Test
  void theSmallestMtuIsToldToTheGuest() throws Exception {
    // The host's side too: a larger packet is not for the guest (virtio 1.2, section 5.1.4.1).
    host.exec("ip", "link", "set", "jk0", "mtu", "68");
    try (JkvmProcess guest =
        start(
            "cat /sys/class/net/eth0/mtu; ping -q -c 3 -W 10 -s 200 " + HOST + " || echo FAILED",
            "--net",
            "tap=jk0,mtu=68")) {
      JkvmProcess.Result result = guest.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertTrue(result.out().contains("68"), result::toString);
      assertTrue(!result.out().contains("FAILED"), result::toString);
    }
  }

  @Test
  void aTransferOutlivesALinkThatGoesDownAndUp() throws Exception {
    byte[] data = NetGuest.data(12 << 20);
    try (ServerSocket to = listen(PORT);
        JkvmProcess guest =
            start(
                String.format(NetGuest.RECEIVE + "; sha256sum /tmp/f", HOST, PORT),
                "--net",
                "tap=jk0")) {
      NetGuest.serve(
          to,
          data,
          () -> {
            host.exec("ip", "link", "set", "jk0", "down");
            // As long as a link may be down; whatever is lost meanwhile is sent again.
            Thread.sleep(300);
            host.exec("ip", "link", "set", "jk0", "up");
          });
      JkvmProcess.Result result = guest.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertTrue(result.out().contains(NetGuest.sha256(data)), result::toString);
    }
  }
}
