// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import io.jkvm.core.testing.NetworkNamespace;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** A host of the test's own, in a network namespace, that talks to a guest behind its tap. */
final class HostNetwork implements AutoCloseable {
  static final String TAP = "jkvmtest0";
  static final String GUEST = "192.0.2.2";

  final NetworkNamespace namespace;

  HostNetwork() throws Exception {
    namespace = NetworkNamespace.create();
    // Without IPv6 the kernel sends nothing that the test did not ask for.
    setting("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    setting("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  }

  private void setting(String file, String value) throws Exception {
    namespace.call(() -> Files.writeString(Path.of(file), value));
  }

  TapBackend open(int queues) throws Exception {
    return namespace.call(() -> TapBackend.open("card", TAP, queues));
  }

  /** Opens the tap and gives its interface the address 192.0.2.1. */
  TapBackend openWithAddress(int queues) throws Exception {
    TapBackend tap = open(queues);
    addAddress("192.0.2.1/24");
    return tap;
  }

  void addAddress(String address) throws Exception {
    namespace.exec("ip", "address", "add", address, "dev", TAP);
  }

  boolean ping() throws Exception {
    // As root this is an ICMP echo request.
    return namespace.call(() -> InetAddress.getByName(GUEST).isReachable(2000));
  }

  DatagramSocket socket() throws Exception {
    return namespace.call(
        () -> {
          DatagramSocket socket = new DatagramSocket(new InetSocketAddress("192.0.2.1", 0));
          socket.setSoTimeout(2000);
          return socket;
        });
  }

  /** Sends one datagram to the guest and says whether the same came back. */
  static boolean echo(DatagramSocket socket, int bytes) throws Exception {
    byte[] data = new byte[bytes];
    new Random(bytes).nextBytes(data);
    InetAddress guest = InetAddress.getByName(GUEST);
    socket.send(new DatagramPacket(data, bytes, guest, 9));
    DatagramPacket answer = new DatagramPacket(new byte[65536], 65536);
    try {
      socket.receive(answer);
    } catch (SocketTimeoutException e) {
      return false;
    }
    return Arrays.equals(Arrays.copyOf(answer.getData(), answer.getLength()), data);
  }

  @Override
  public void close() {
    namespace.close();
  }
}
