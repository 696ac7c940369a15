// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.NetworkNamespace;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * iperf3 in the guest, against a server on the host. {@link SocketNetworkIT} and {@link
 * SwitchNetworkIT} have it between guests.
 */
@RequiresKvm
@Timeout(1200)
@Guests
@LongTest
class IperfIT {
  /** What the receiver counted; of several streams, the line with their sum is the last. */
  private static final Pattern RECEIVED = Pattern.compile("([\\d.]+) ([KM])Bytes .* receiver");

  /** Small writes and windows: an interpreted guest takes minutes for what is usual. */
  private static final String TCP = "iperf3 -c %1$s -p %2$d -n 512K -l 16K -w 128K";

  /** Less than is sent: what is under way at the end is not always counted. */
  private static final int TCP_KILOBYTES = 256;

  /** Each direction, then several streams, then datagrams. */
  private static final String ALL =
      String.join(
          " && ",
          TCP + " && echo end of run",
          TCP + " -R && echo end of run",
          TCP + " -P 4 && echo end of run",
          "iperf3 -c %1$s -p %2$d -u -b 500K -l 64 -t 2 && echo end of run");

  /** How much an interpreted guest on a busy host manages of 500 kbit/s in 2 s. */
  private static final int DATAGRAM_KILOBYTES = 3;

  /** For another guest, where {@code iperf3 -s} may still be starting. */
  private static final String PATIENT =
      "until " + TCP + "; do sleep 1; done; echo end of run; " + TCP + " -R; echo end of run";

  @BeforeAll
  static void needsIperf() {
    NetGuest.assumeInstalled("iperf3");
  }

  private static String[] args(String commandLine, String command, String net) {
    String tools = ProjectFiles.guestImage("network-tools.cpio").toString();
    return NetGuest.args(commandLine, command, "--initrd", tools, "--mem", "128M", "--net", net);
  }

  private static ProcessBuilder server(String address, int port) {
    return new ProcessBuilder("iperf3", "-s", "-B", address, "-p", "" + port)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectErrorStream(true);
  }

  /** In each run at least so much arrived. */
  private static void assertReceived(String output, int... kilobytes) {
    String[] runs = output.split("end of run");
    assertEquals(kilobytes.length, runs.length - 1, output);
    for (int i = 0; i < kilobytes.length; i++) {
      double received = 0;
      for (Matcher found = RECEIVED.matcher(runs[i]); found.find(); ) {
        received = Double.parseDouble(found.group(1)) * (found.group(2).equals("M") ? 1024 : 1);
      }
      assertTrue(received >= kilobytes[i], "run " + i + " received " + received + "\n" + output);
    }
  }

  /** Both directions, against {@code iperf3 -s} in another guest. */
  static String againstAnotherGuest(String address) {
    return String.format(PATIENT, address, 5201);
  }

  /** What {@link #againstAnotherGuest} printed: in each run enough arrived. */
  static void assertReceivedFromAnotherGuest(String output) {
    assertReceived(output, TCP_KILOBYTES, TCP_KILOBYTES);
  }

  private static void assertAllDone(JkvmProcess.Result result) {
    assertEquals(0, result.status(), result::toString);
    assertReceived(result.out(), TCP_KILOBYTES, TCP_KILOBYTES, TCP_KILOBYTES, DATAGRAM_KILOBYTES);
  }

  @Test
  void onATap() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create()) {
      host.exec("ip", "tuntap", "add", "dev", "jk0", "mode", "tap");
      host.exec("ip", "addr", "add", "192.168.77.1/24", "dev", "jk0");
      host.exec("ip", "link", "set", "jk0", "up");
      Process server = host.start(server("192.168.77.1", 5201));
      try (JkvmProcess guest =
          host.call(
              () ->
                  JkvmProcess.start(
                      args(
                          "jkvm.ip=192.168.77.2/24",
                          String.format(ALL, "192.168.77.1", 5201),
                          "tap=jk0")))) {
        assertAllDone(guest.awaitEnd(JkvmProcess.BOOT_SECONDS));
      } finally {
        server.destroy();
      }
    }
  }

  @Test
  void throughPasst() throws Exception {
    NetGuest.assumeInstalled("passt");
    int port = freePort();
    Process server = server("127.0.0.1", port).start();
    try (JkvmProcess guest =
        JkvmProcess.start(args("", String.format(ALL, "10.0.2.2", port), "user"))) {
      assertAllDone(guest.awaitEnd(JkvmProcess.BOOT_SECONDS));
    } finally {
      server.destroy();
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
