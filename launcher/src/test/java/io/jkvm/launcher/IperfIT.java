// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.NetworkNamespace;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.spec.VirtualSwitch;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** iperf3 in the guest, against a server on the host or in another guest. */
@RequiresKvm
@Timeout(1200)
@Guests
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

  /** A server may still be starting in the other guest. */
  private static final String PATIENT =
      "until " + TCP + "; do sleep 1; done; echo end of run; " + TCP + " -R; echo end of run";

  private static final String SERVER = "iperf3 -s";

  @TempDir Path folder;

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

  @Test
  @Guests(2)
  void betweenGuestsOfOneJvm() throws Exception {
    VirtualSwitch lan = new VirtualSwitch("lan");
    List<Path> tools = List.of(ProjectFiles.guestImage("network-tools.cpio"));
    try (InProcessGuest one =
            new InProcessGuest(lan, 0x0200_0000_0011L, "10.9.0.1/24", SERVER, tools);
        InProcessGuest two =
            new InProcessGuest(
                lan,
                0x0200_0000_0012L,
                "10.9.0.2/24",
                String.format(PATIENT, "10.9.0.1", 5201),
                tools)) {
      one.awaitOutput("Server listening");
      two.awaitStop();
      assertReceived(two.output(), TCP_KILOBYTES, TCP_KILOBYTES);
    }
  }

  @Test
  @Guests(2)
  void betweenTwoProcesses() throws Exception {
    Path socket = folder.resolve("lan");
    try (JkvmProcess one =
        JkvmProcess.start(args("jkvm.ip=10.9.0.1/24", SERVER, "socket=listen:" + socket))) {
      one.awaitOutput("Linux is up");
      try (JkvmProcess two =
          JkvmProcess.start(
              args(
                  "jkvm.ip=10.9.0.2/24",
                  String.format(PATIENT, "10.9.0.1", 5201),
                  "socket=connect:" + socket))) {
        JkvmProcess.Result result = two.awaitEnd(JkvmProcess.BOOT_SECONDS);
        assertEquals(0, result.status(), result::toString);
        assertReceived(result.out(), TCP_KILOBYTES, TCP_KILOBYTES);
      }
    }
  }
}
