// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
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
@LongTest
class TapNetworkIT {
  private static final String HOST = "192.168.77.1";
  private static final String GUEST = "192.168.77.2";
  private static final String IP = "jkvm.ip=" + GUEST + "/24";
  private static final String SMALL_HOST = "192.168.78.1";
  private static final String SMALL_GUEST = "192.168.78.2";
  private static final int PORT = 5000;

  private NetworkNamespace host;

  @BeforeEach
  void makeNetwork() throws Exception {
    host = NetworkNamespace.create();
    makeTap("jk0", HOST);
  }

  private void makeTap(String name, String address) throws Exception {
    host.exec("ip", "tuntap", "add", "dev", name, "mode", "tap");
    host.exec("ip", "addr", "add", address + "/24", "dev", name);
    host.exec("ip", "link", "set", name, "up");
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

  /** There with a link that goes down and up meanwhile; whatever is lost then is sent again. */
  @ParameterizedTest
  @ValueSource(strings = {"pci", "mmio"})
  void aLargeFileThereAndBackOutlivesALinkThatGoesDownAndUp(String transport) throws Exception {
    byte[] data = NetGuest.data(4 << 20);
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
      NetGuest.serve(
          to,
          data,
          () -> {
            host.exec("ip", "link", "set", "jk0", "down");
            Thread.sleep(300); // how long the link is down
            host.exec("ip", "link", "set", "jk0", "up");
          });
      byte[] back = NetGuest.take(from);
      // Only now: a guest that stops takes along what its kernel has still to send.
      guest.send("\n");
      JkvmProcess.Result result = guest.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertTrue(result.out().contains(NetGuest.sha256(data)), result::toString);
      assertArrayEquals(data, back);
    }
  }

  /**
   * One boot for all that leaves the guest as it is; the tap's end comes last. The largest MTU and
   * all that fit below it on one card, the smallest on the other: it is told to the guest.
   */
  @Test
  void everyMtuWorksAndThousandsOfPingsAndADeletedTapTakesTheLinkDownAndNothingElse()
      throws Exception {
    host.exec("ip", "link", "set", "jk0", "mtu", "65521");
    makeTap("jk1", SMALL_HOST);
    // The host's side too: a larger packet is not for the guest (virtio 1.2, section 5.1.4.1).
    host.exec("ip", "link", "set", "jk1", "mtu", "68");
    StringBuilder command = new StringBuilder("cd /sys/class/net; echo mtus;");
    command.append("cat eth0/mtu eth1/mtu; ip addr add " + SMALL_GUEST + "/24 dev eth1;");
    command.append("ip link set eth1 up; ping -q -c 3 -W 10 -s 200 " + SMALL_HOST);
    command.append(" || echo FAILED at 68 by the card;");
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
    try (JkvmProcess guest =
        start(command.toString(), "--net", "tap=jk0", "--net", "tap=jk1,mtu=68")) {
      guest.awaitOutput("ready");
      String mtus = guest.output();
      assertTrue(mtus.replace("\r", "").contains("mtus\n65521\n68\n"), mtus);
      assertTrue(!mtus.contains("FAILED"), mtus);

      // As quick as answers come, many of them awaited: frames meet in the queues.
      Process ping =
          host.start(
              new ProcessBuilder(
                  "ping", "-q", "-A", "-l", "100", "-c", "3000", "-s", "300", GUEST));
      String output = new String(ping.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, ping.waitFor(), output);
      assertTrue(output.contains("3000 received"), output);

      host.exec("ip", "link", "del", "jk0");
      JkvmProcess.Result result = guest.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertTrue(result.out().contains("no carrier"), result::toString);
      assertEquals(
          1, result.err().lines().filter(l -> l.contains("jk0")).count(), result::toString);
    }
  }
}
