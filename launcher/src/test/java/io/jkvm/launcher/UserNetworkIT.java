// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Linux on the host's network through passt, as a user without privileges has it. */
@RequiresKvm
@Timeout(1200)
@Guests
class UserNetworkIT {
  private static final String HOST = "10.0.2.2";

  @TempDir Path folder;

  @BeforeAll
  static void needsPasst() {
    NetGuest.assumeInstalled("passt");
  }

  private static ServerSocket listen() throws Exception {
    return new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = listen()) {
      return socket.getLocalPort();
    }
  }

  /** On a disk of its own, as the README has it, by a user who is nobody but may use KVM. */
  @Test
  void aPortOfTheHostReachesAWebServerAndALargeFileComesAndGoesBack() throws Exception {
    int port = freePort();
    byte[] data = NetGuest.data(4 << 20);
    Path root = Files.copy(ProjectFiles.guestImage("rootfs.img"), folder.resolve("root.img"));
    BadFiles.chmod(root, "rw-rw-rw-");
    BadFiles.chmod(folder, "rwxr-xr-x");
    try (ServerSocket to = listen();
        ServerSocket from = listen();
        JkvmProcess guest =
            JkvmProcess.start(
                BadFiles.unprivileged(
                    JkvmProcess.runCommand(
                        "--kvm",
                        BadFiles.kvmForEverybody(folder).toString(),
                        "--kernel",
                        ProjectFiles.guestImage("bzImage").toString(),
                        "--disk",
                        root.toString(),
                        "--net",
                        "--publish",
                        "127.0.0.1:" + port + ":80",
                        "--cmdline",
                        String.format(
                            "quiet jkvm.run=\"ip addr show eth0; echo ready; read line; "
                                + NetGuest.RECEIVE
                                + "; sha256sum /tmp/f; "
                                + NetGuest.SEND
                                + "; read line\"",
                            HOST,
                            to.getLocalPort(),
                            HOST,
                            from.getLocalPort()))))) {
      guest.awaitOutput("ready");
      assertTrue(guest.output().contains("inet 10.0.2.15/24"), guest.output());
      HttpResponse<String> answer =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/")).build(),
                  HttpResponse.BodyHandlers.ofString());
      assertEquals(200, answer.statusCode());
      assertTrue(answer.body().contains("jkvm"), answer.body());
      guest.send("\n");
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

  @Test
  @LongTest
  void passtThatIsKilledDuringATransferIsStartedAgain() throws Exception {
    byte[] data = NetGuest.data(1 << 20);
    try (ServerSocket endless = listen();
        ServerSocket second = listen();
        JkvmProcess guest =
            JkvmProcess.start(
                NetGuest.args(
                    "",
                    String.format(
                        "nc %s %d > /dev/null & carrier=/sys/class/net/eth0/carrier; sleep 1;"
                            + " echo watching; up=1; until [ $up = 0 ]; do read up < $carrier;"
                            + " done; echo link is down; until [ $up = 1 ]; do"
                            + " read up < $carrier; sleep 0.1; done; echo link is up;"
                            + " nc %s %d | sha256sum",
                        HOST, endless.getLocalPort(), HOST, second.getLocalPort()),
                    "--net",
                    "user"))) {
      Thread sender = new Thread(() -> sendForEver(endless));
      sender.setDaemon(true);
      sender.start();
      guest.awaitOutput("watching");
      ProcessHandle passt = passtOf(guest).orElseThrow();
      passt.destroyForcibly();
      guest.awaitOutput("link is up");
      NetGuest.serve(second, data);
      JkvmProcess.Result result = guest.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(0, result.status(), result::toString);
      assertTrue(result.out().contains(NetGuest.sha256(data)), result::toString);
      assertTrue(result.out().contains("link is down"), result::toString);
      assertTrue(passtOf(guest).isEmpty(), "passt outlives jkvm");
    }
  }

  /** The MTU by the card and by DHCP alike; then, in the same boot, the hypervisor is killed. */
  @Test
  void theMtuIsToldToTheGuestAndPasstDoesNotOutliveAHypervisorThatIsKilled() throws Exception {
    try (JkvmProcess guest =
        JkvmProcess.start(
            NetGuest.args(
                "",
                "cat /sys/class/net/eth0/mtu; echo '#!/bin/sh' > /tmp/s;"
                    + " echo 'echo by DHCP $mtu' >> /tmp/s; chmod +x /tmp/s;"
                    + " udhcpc -n -q -i eth0 -O mtu -s /tmp/s; echo status $?; sleep 1000",
                "--net",
                "user,mtu=1400"))) {
      guest.awaitOutput("status 0");
      String out = guest.output();
      assertTrue(out.lines().anyMatch("1400"::equals), out);
      assertTrue(out.contains("by DHCP 1400"), out);

      ProcessHandle passt = passtOf(guest).orElseThrow();
      JkvmProcess.signal(guest.pid(), "KILL");
      passt.onExit().get(JkvmProcess.STOP_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static void sendForEver(ServerSocket server) {
    try {
      NetGuest.serve(server, new byte[1 << 30]);
    } catch (Exception e) {
      // The connection dies with passt.
    }
  }

  private static Optional<ProcessHandle> passtOf(JkvmProcess guest) {
    return ProcessHandle.of(guest.pid()).stream()
        .flatMap(ProcessHandle::descendants)
        .filter(process -> process.info().command().orElse("").contains("passt"))
        .findFirst();
  }
}
