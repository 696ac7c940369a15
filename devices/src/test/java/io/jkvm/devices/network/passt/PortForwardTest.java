// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PortForwardTest {
  @ParameterizedTest
  @CsvSource({
    "8080:80, -t, 127.0.0.1/8080:80, 127.0.0.1:8080:80/tcp",
    "127.0.0.1:8080:80, -t, 127.0.0.1/8080:80, 127.0.0.1:8080:80/tcp",
    "0.0.0.0:1:65535/udp, -u, 0.0.0.0/1:65535, 0.0.0.0:1:65535/udp",
    "[::1]:53:5353/udp, -u, ::1/53:5353, [::1]:53:5353/udp",
    "[::]:8080:80/tcp, -t, ::/8080:80, [::]:8080:80/tcp",
  })
  void reads(String text, String option, String specification, String written) {
    PortForward forward = PortForward.parse(text);
    assertEquals(List.of(option, specification), forward.passtOption());
    assertEquals(written, forward.toString());
    assertEquals(forward, PortForward.parse(forward.toString()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "80",
        ":80:80",
        "0:80",
        "80:0",
        "65536:1",
        "1:65536",
        "99999999999:1",
        "-1:80",
        "80:80/sctp",
        "80:80/",
        "80:80/TCP",
        "::1:80:80",
        "[::1]80:80",
        "[127.0.0.1]:80:80",
        "[]:80:80",
        "[::1%lo]:80:80",
        "127.0.0:80:80",
        "127.0.0.256:80:80",
        "localhost:80:80",
        "127.0.0.1:80:80:80",
        "80:80 ",
        "80:80,81:81",
        "127.0.0.1/80:80",
        "all:80:80",
        "~1:80:80"
      })
  void refuses(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> PortForward.parse(text)).getMessage();
    assertTrue(message.contains("'" + text + "'"), message);
    assertFalse(message.contains("\n"), message);
  }

  private static void check(String... texts) {
    PortForward.checkDistinct(Stream.of(texts).map(PortForward::parse).toList());
  }

  @Test
  void onePortOnce() {
    check("8080:80", "8080:80/udp", "8081:80");
    assertThrows(IllegalArgumentException.class, () -> check("8080:80", "8080:81"));
    assertThrows(IllegalArgumentException.class, () -> check("8080:80", "[::1]:8080:80"));
    assertThrows(IllegalArgumentException.class, () -> check("1:1/udp", "2:2", "1:1/udp"));
  }

  @Test
  void findsPortsInUse() throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    try (ServerSocket tcp = new ServerSocket(0, 1, loopback);
        DatagramSocket udp = new DatagramSocket(0, loopback)) {
      assertInUse(tcp.getLocalPort() + ":80");
      assertInUse(udp.getLocalPort() + ":80/udp");
    }
    int port = freePort(loopback);
    PortForward.parse(port + ":80").checkFree();
    PortForward.parse(port + ":80/udp").checkFree();
  }

  private static int freePort(InetAddress address) throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, address)) {
      return socket.getLocalPort();
    }
  }

  private static void assertInUse(String text) {
    PortForward forward = PortForward.parse(text);
    String message = assertThrows(IOException.class, forward::checkFree).getMessage();
    assertTrue(message.startsWith("cannot forward 127.0.0.1:" + forward.hostPort()), message);
    assertTrue(message.contains("in use"), message);
  }
}
