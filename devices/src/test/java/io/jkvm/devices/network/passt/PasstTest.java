// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.devices.network.stream.FakeGuest;
import io.jkvm.devices.network.stream.TestCard;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The real passt; all traffic is to the host's loopback. */
@Timeout(300)
class PasstTest {
  private static final String PARAMETERS = "-a 10.0.2.15 -n 24 -g 10.0.2.2 -M 52:55:0a:00:02:02";
  private static final int WAIT_MILLISECONDS = 120_000;

  private final TestCard card = new TestCard();
  private LeftoverPasst leftovers;

  @BeforeEach
  void needPasst() throws Exception {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, "passt"))),
        "passt is not installed: apt-get install passt");
    leftovers = new LeftoverPasst();
  }

  @AfterEach
  void leavesNothing() throws Exception {
    if (leftovers != null) {
      leftovers.assertNothing();
    }
  }

  private PasstBackend started(PortForward... forwards) throws IOException {
    PasstBackend backend = new PasstBackend("user", List.of(forwards), OptionalInt.empty(), true);
    backend.start(card);
    return backend;
  }

  private static PortForward tcp(String address, int port) {
    return new PortForward(PortForward.Protocol.TCP, address, port, 80);
  }

  private static byte[] option(byte[] message, int code) {
    for (int i = 240; i < message.length && message[i] != -1; i += 2 + message[i + 1]) {
      if (message[i] == code) {
        return Arrays.copyOfRange(message, i + 2, i + 2 + message[i + 1]);
      }
    }
    return null;
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }

  @Test
  void givesTheGuestAnAddress() throws Exception {
    try (PasstBackend backend = started()) {
      FakeGuest guest = new FakeGuest(backend, card);
      byte[] mac = {0x52, 0x55, 10, 0, 2, 2};
      assertArrayEquals(mac, guest.resolveGateway());
      byte[] offer = guest.discover();
      assertNotNull(offer, "no offer");
      assertArrayEquals(FakeGuest.ADDRESS, Arrays.copyOfRange(offer, 16, 20));
      assertArrayEquals(new byte[] {-1, -1, -1, 0}, option(offer, 1));
      assertArrayEquals(FakeGuest.GATEWAY, option(offer, 3));
      byte[] mtu = option(offer, 26);
      assertEquals(backend.mtu().getAsInt(), (mtu[0] & 0xff) << 8 | mtu[1] & 0xff);
      // What the directory was for is done as soon as it is connected.
      leftovers.assertNoDirectory();
      assertEquals(0, card.linkChanges());
    }
  }

  @Test
  void gatewayIsTheHostsLoopback() throws Exception {
    try (PasstBackend backend = started();
        DatagramSocket host = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"))) {
      FakeGuest guest = new FakeGuest(backend, card);
      assertNotNull(guest.resolveGateway());
      byte[] payload = "to the host".getBytes(StandardCharsets.UTF_8);
      assertTrue(guest.sendUdp(40_000, host.getLocalPort(), payload));
      DatagramPacket packet = new DatagramPacket(new byte[100], 100);
      host.setSoTimeout(WAIT_MILLISECONDS);
      host.receive(packet);
      assertEquals("to the host", new String(packet.getData(), 0, packet.getLength(), "UTF-8"));
      host.send(packet);
      assertArrayEquals(payload, guest.receiveUdp(host.getLocalPort(), 40_000));
    }
  }

  @Test
  void gatewayLeadsNowhereIfTheHostIsClosed() throws Exception {
    try (PasstBackend backend = new PasstBackend("user", List.of(), OptionalInt.empty(), false);
        DatagramSocket host = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"))) {
      backend.start(card);
      FakeGuest guest = new FakeGuest(backend, card);
      assertNotNull(guest.resolveGateway());
      byte[] payload = "to the host".getBytes(StandardCharsets.UTF_8);
      assertTrue(guest.sendUdp(40_000, host.getLocalPort(), payload));
      // passt takes frames in order: with this answer it has done with the datagram.
      assertNotNull(guest.discover());
      host.setSoTimeout(1);
      DatagramPacket packet = new DatagramPacket(new byte[100], 100);
      assertThrows(SocketTimeoutException.class, () -> host.receive(packet));
    }
  }

  @Test
  void forwardsPorts() throws Exception {
    int port = freePort();
    try (PasstBackend backend =
            started(
                tcp("127.0.0.1", port),
                new PortForward(PortForward.Protocol.UDP, "127.0.0.1", port, 53));
        DatagramSocket host = new DatagramSocket();
        Socket client = new Socket()) {
      FakeGuest guest = new FakeGuest(backend, card);
      assertNotNull(guest.resolveGateway());
      byte[] payload = "to the guest".getBytes(StandardCharsets.UTF_8);
      InetSocketAddress forwarded = new InetSocketAddress("127.0.0.1", port);
      host.send(new DatagramPacket(payload, payload.length, forwarded));
      assertTrue(guest.receiveUdpSource(53, payload) > 0);
      client.connect(forwarded, WAIT_MILLISECONDS);
      assertTrue(guest.receivesTcpTo(80));
    }
  }

  @Test
  void saysWhichPortIsInUse() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      String message =
          assertThrows(IOException.class, () -> started(tcp("127.0.0.1", taken.getLocalPort())))
              .getMessage();
      assertTrue(message.contains("127.0.0.1:" + taken.getLocalPort()), message);
      assertTrue(message.contains("in use"), message);
    }
  }

  /** An address of documentation (RFC 5737), which no host has. */
  @Test
  void saysWhichAddressIsNotTheHosts() {
    String message =
        assertThrows(IOException.class, () -> started(tcp("198.51.100.77", 18080))).getMessage();
    assertTrue(message.contains("198.51.100.77:18080"), message);
  }

  @Test
  void linkIsDownUntilAnotherRuns() throws Exception {
    try (PasstBackend backend = started()) {
      ProcessHandle first = LeftoverPasst.processes().findFirst().orElseThrow();
      first.destroyForcibly();
      assertFalse(card.takeLink());
      assertFalse(backend.transmit(0, TestFrames.frame(new byte[60])));
      assertTrue(card.takeLink());
      assertEquals(
          1, LeftoverPasst.processes().filter(process -> process.pid() != first.pid()).count());
      FakeGuest guest = new FakeGuest(backend, card);
      assertNotNull(guest.resolveGateway());
      assertNotNull(guest.discover());
    }
  }

  /** What the offloads say: neither the checksum nor the size of a datagram matters. */
  @Test
  void checksumsDoNotMatter() throws Exception {
    try (PasstBackend backend = started();
        DatagramSocket host = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"))) {
      FakeGuest guest = new FakeGuest(backend, card);
      guest.useUdpChecksum(0x1234);
      assertNotNull(guest.resolveGateway());
      assertNotNull(guest.discover());
      byte[] payload = new byte[PasstBackend.MAX_FRAME_BYTES - 14 - 28];
      assertTrue(guest.sendUdp(40_001, host.getLocalPort(), payload));
      DatagramPacket packet = new DatagramPacket(new byte[70_000], 70_000);
      host.setSoTimeout(WAIT_MILLISECONDS);
      host.receive(packet);
      assertEquals(payload.length, packet.getLength());
    }
  }

  /** It is there once it listens, which nothing else tells than that it can be connected to. */
  private void startWhenThere(RunningPasst backend, Process passt) throws Exception {
    while (true) {
      try {
        backend.start(card);
        return;
      } catch (IOException e) {
        if (passt.waitFor(10, TimeUnit.MILLISECONDS)) {
          throw e;
        }
      }
    }
  }

  @Test
  void connectsToARunningOne(@TempDir Path directory) throws Exception {
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
    String socket = directory.resolve("passt").toString();
    Process passt =
        new ProcessBuilder(("passt -f -i lo -4 " + PARAMETERS + " -s " + socket).split(" "))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (RunningPasst backend = new RunningPasst("passt", socket)) {
      startWhenThere(backend, passt);
      assertNotNull(new FakeGuest(backend, card).resolveGateway());
    } finally {
      passt.destroyForcibly().waitFor();
    }
  }

  @Test
  void refusesFramesThatPasstWouldSkip() throws Exception {
    try (PasstBackend backend = started()) {
      assertTrue(backend.transmit(0, TestFrames.frame(new byte[PasstBackend.MAX_FRAME_BYTES])));
      assertFalse(
          backend.transmit(0, TestFrames.frame(new byte[PasstBackend.MAX_FRAME_BYTES + 1])));
      assertNotNull(new FakeGuest(backend, card).resolveGateway());
    }
  }
}
