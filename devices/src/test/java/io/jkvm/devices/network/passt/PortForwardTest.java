// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.passt.PortForward.Protocol;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PortForwardTest {
  private static PortForward tcp(int hostPort, int guestPort) {
    return new PortForward(Protocol.TCP, "127.0.0.1", hostPort, guestPort);
  }

  private static PortForward udp(int hostPort, int guestPort) {
    return new PortForward(Protocol.UDP, "127.0.0.1", hostPort, guestPort);
  }

  @ParameterizedTest
  @CsvSource({
    "TCP, 127.0.0.1, 8080, 80, -t, 127.0.0.1/8080:80, 127.0.0.1:8080:80/tcp",
    "UDP, 0.0.0.0, 1, 65535, -u, 0.0.0.0/1:65535, 0.0.0.0:1:65535/udp",
    "UDP, ::1, 53, 5353, -u, ::1/53:5353, [::1]:53:5353/udp",
    "TCP, ::, 8080, 80, -t, ::/8080:80, [::]:8080:80/tcp",
  })
  void isWritten(
      Protocol protocol,
      String address,
      int hostPort,
      int guestPort,
      String option,
      String specification,
      String written) {
    PortForward forward = new PortForward(protocol, address, hostPort, guestPort);
    assertEquals(List.of(option, specification), forward.passtOption());
    assertEquals(written, forward.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "[::1]", "::1%lo", "127.0.0", "127.0.0.256", "localhost", "all", "~1"})
  void refusesWhatIsNoAddress(String address) {
    assertRefused(address, 80, 80, "'" + address + "'");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 65536, Integer.MAX_VALUE})
  void refusesWhatIsNoPort(int port) {
    assertRefused("127.0.0.1", port, 80, "port " + port);
    assertRefused("127.0.0.1", 80, port, "port " + port);
  }

  private static void assertRefused(String address, int hostPort, int guestPort, String named) {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> new PortForward(Protocol.TCP, address, hostPort, guestPort))
            .getMessage();
    assertTrue(message.contains(named), message);
    assertFalse(message.contains("\n"), message);
  }

  private static void check(PortForward... forwards) {
    PortForward.checkDistinct(List.of(forwards));
  }

  @Test
  void onePortOnce() {
    PortForward six = new PortForward(Protocol.TCP, "::1", 8080, 80);
    check(tcp(8080, 80), udp(8080, 80), tcp(8081, 80));
    assertThrows(IllegalArgumentException.class, () -> check(tcp(8080, 80), tcp(8080, 81)));
    assertThrows(IllegalArgumentException.class, () -> check(tcp(8080, 80), six));
    assertThrows(IllegalArgumentException.class, () -> check(udp(1, 1), tcp(2, 2), udp(1, 1)));
  }

  @Test
  void findsPortsInUse() throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    try (ServerSocket tcp = new ServerSocket(0, 1, loopback);
        DatagramSocket udp = new DatagramSocket(0, loopback)) {
      assertInUse(tcp(tcp.getLocalPort(), 80));
      assertInUse(udp(udp.getLocalPort(), 80));
    }
    int port = freePort(loopback);
    tcp(port, 80).checkFree();
    udp(port, 80).checkFree();
  }

  private static int freePort(InetAddress address) throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, address)) {
      return socket.getLocalPort();
    }
  }

  private static void assertInUse(PortForward forward) {
    String message = assertThrows(IOException.class, forward::checkFree).getMessage();
    assertTrue(message.startsWith("cannot forward 127.0.0.1:" + forward.hostPort()), message);
    assertTrue(message.contains("in use"), message);
  }
}
