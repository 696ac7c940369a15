// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A port of the host whose connections or datagrams go to a port of the guest.
 *
 * @param protocol what is forwarded
 * @param address the host's address that is listened on, IPv4 or IPv6 in numbers, no brackets
 * @param hostPort 1 to 65535
 * @param guestPort 1 to 65535
 */
public record PortForward(Protocol protocol, String address, int hostPort, int guestPort) {
  /** What a forward can carry. */
  public enum Protocol {
    TCP,
    UDP
  }

  /**
   * Checks the parts.
   *
   * @throws IllegalArgumentException one line if an address or port is not one
   */
  public PortForward {
    boolean numeric = NetUtil.isValidIpV4Address(address) || NetUtil.isValidIpV6Address(address);
    if (!numeric || address.indexOf('%') >= 0 || address.startsWith("[")) {
      throw new IllegalArgumentException(
          "'" + address + "' is no address to forward from: use one such as 127.0.0.1 or [::1]");
    }
    checkPort(hostPort);
    checkPort(guestPort);
  }

  private static void checkPort(int port) {
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException("port " + port + " is not one of 1 to 65535");
    }
  }

  /**
   * Refuses forwards of one host port of one protocol, even from different addresses: passt takes a
   * port number once ("Overlapping port specifier").
   *
   * @throws IllegalArgumentException one line that names the port
   */
  public static void checkDistinct(List<PortForward> forwards) {
    Set<String> seen = new HashSet<>();
    for (PortForward forward : forwards) {
      if (!seen.add(forward.protocol + " " + forward.hostPort)) {
        throw new IllegalArgumentException(
            "host port "
                + forward.hostPort
                + "/"
                + forward.suffix()
                + " is forwarded twice, which passt can't do, not even from two addresses; leave"
                + " one out");
      }
    }
  }

  /** How it is written: {@code 127.0.0.1:8080:80/tcp}. */
  @Override
  public String toString() {
    return hostAddress() + ":" + guestPort + "/" + suffix();
  }

  private String suffix() {
    return protocol.name().toLowerCase(Locale.ROOT);
  }

  private String hostAddress() {
    String host = address.indexOf(':') >= 0 ? "[" + address + "]" : address;
    return host + ":" + hostPort;
  }

  /** The option that makes passt forward it. */
  List<String> passtOption() {
    String option = protocol == Protocol.TCP ? "-t" : "-u";
    return List.of(option, address + "/" + hostPort + ":" + guestPort);
  }

  /**
   * Finds out why the port could not be listened on: passt says only that it could not, and two
   * programs that allow it share a UDP port without an error.
   *
   * @throws IOException one line that names the address and the cause
   */
  void checkFree() throws IOException {
    InetAddress host =
        InetAddress.getByAddress(NetUtil.createByteArrayFromIpAddressString(address));
    InetSocketAddress local = new InetSocketAddress(host, hostPort);
    try {
      if (protocol == Protocol.TCP) {
        new ServerSocket(hostPort, 1, host).close();
      } else {
        new DatagramSocket(local).close();
      }
    } catch (IOException e) {
      throw new IOException(
          "cannot forward "
              + hostAddress()
              + "/"
              + suffix()
              + ": "
              + e.getMessage()
              + "; choose another port, or an address that is this host's",
          e);
    }
  }
}
