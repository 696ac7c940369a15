// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.NetworkNamespace;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.launcher.report.ExitStatus;
import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The default guest on a tap, and the host's kernel on the other side, in a namespace. */
@RequiresKvm
@Guests
class TapGuestIT {
  private static final String TAP = "jkvmtest0";
  private static final String GUEST = "192.0.2.2";

  @TempDir Path folder;

  private static JkvmProcess start(NetworkNamespace host, String net, String... options)
      throws Exception {
    return host.call(
        () -> {
          var command =
              JkvmProcess.runCommand(
                  "--kernel",
                  ProjectFiles.guestImage("bzImage").toString(),
                  "--initrd",
                  ProjectFiles.guestImage("initramfs.cpio").toString(),
                  "--net",
                  net);
          command.addAll(List.of(options));
          return JkvmProcess.start(command);
        });
  }

  private static boolean ping(NetworkNamespace host) throws Exception {
    // As root this is an ICMP echo request.
    return host.call(() -> InetAddress.getByName(GUEST).isReachable(50_000));
  }

  private static String get(NetworkNamespace host) throws Exception {
    return host.call(
        () -> {
          var connection = URI.create("http://" + GUEST + "/").toURL().openConnection();
          connection.setReadTimeout(50_000);
          try (var answer = connection.getInputStream()) {
            return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
          }
        });
  }

  private static int count(JkvmProcess jkvm, String text) {
    return jkvm.output().split(Pattern.quote(text), -1).length - 1;
  }

  /** Made by the machine: reached, captured, deleted under way, and the guest runs on. */
  @Test
  void reachesTheHostUntilTheTapIsDeleted() throws Exception {
    Path capture = folder.resolve("x.pcap");
    try (NetworkNamespace host = NetworkNamespace.create();
        JkvmProcess jkvm =
            start(
                host,
                "tap=" + TAP + ",mac=02:00:00:00:00:77,pcap=" + capture,
                "--cmdline",
                "quiet jkvm.ip=192.0.2.2/24 jkvm.run=\"cat /sys/class/net/eth0/address;"
                    + " while [ $(cat /sys/class/net/eth0/carrier) = 1 ]; do sleep 1; done;"
                    + " echo carrier lost\"")) {
      jkvm.awaitOutput("02:00:00:00:00:77");
      host.exec("ip", "address", "add", "192.0.2.1/24", "dev", TAP);
      assertTrue(ping(host));
      assertTrue(get(host).contains("jkvm"));
      assertTrue(Files.size(capture) > 1000);

      host.exec("ip", "link", "delete", TAP);
      jkvm.awaitError("tap " + TAP + ": the interface was deleted; the guest's link is down");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertTrue(result.out().contains("carrier lost"), result::toString);
      assertEquals(ExitStatus.OK, result.status(), result::toString);
    }
  }

  /** The guest starts anew on the same tap with the same, random, address. */
  @Test
  @LongTest
  void survivesARestart() throws Exception {
    try (NetworkNamespace host = NetworkNamespace.create()) {
      host.exec("ip", "tuntap", "add", TAP, "mode", "tap");
      host.exec("ip", "address", "add", "192.0.2.1/24", "dev", TAP);
      host.exec("ip", "link", "set", TAP, "up");
      try (JkvmProcess jkvm =
          start(
              host,
              "tap=" + TAP,
              "--on-reboot=restart",
              "--cmdline",
              "quiet jkvm.ip=192.0.2.2/24 jkvm.run=\"ping -c 1 192.0.2.1;"
                  + " echo mac=$(cat /sys/class/net/eth0/address)\"")) {
        jkvm.awaitError("starting again");
        jkvm.awaitOutput("mac=", 2);
        jkvm.awaitError("starting again", 2);
        String out = jkvm.output();
        String mac = out.replaceFirst("(?s).*?\\bmac=([0-9a-f:]{17}).*", "$1");
        assertEquals(2, count(jkvm, "mac=" + mac), out);
        assertEquals(2, count(jkvm, " 0% packet loss"), out);
      }
    }
  }
}
