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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

  private static final String DEFAULT_ADDRESS = "127.0.0.1";
  private static final Pattern SYNTAX =
      Pattern.compile("(?:(?:\\[([^\\]]*)\\]|([^:\\[\\]]*)):)?(\\d+):(\\d+)(?:/(tcp|udp))?");

  /**
   * Checks the parts.
   *
   * @throws IllegalArgumentException one line if an address or port is not one
   */
  public PortForward {
    boolean numeric = NetUtil.isValidIpV4Address(address) || NetUtil.isValidIpV6Address(address);
    if (!numeric || address.indexOf('%') >= 0) {
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
   * Reads {@code [ADDR:]HOSTPORT:GUESTPORT[/tcp|/udp]}; TCP and 127.0.0.1 if not said, an IPv6
   * address in brackets.
   *
   * @throws IllegalArgumentException one line that names the text and what is wrong with it
   */
  public static PortForward parse(String text) {
    Matcher parts = SYNTAX.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "port forward '"
              + text
              + "' is not [ADDR:]HOSTPORT:GUESTPORT[/tcp|/udp], as in 127.0.0.1:8080:80");
    }
    String address = parts.group(1) != null ? parts.group(1) : parts.group(2);
    boolean six = parts.group(1) != null;
    if (address != null && six != NetUtil.isValidIpV6Address(address)) {
      throw new IllegalArgumentException(
          "port forward '"
              + text
              + "': '"
              + address
              + "' is no address such as 127.0.0.1 or [::1]");
    }
    try {
      return new PortForward(
          "udp".equals(parts.group(5)) ? Protocol.UDP : Protocol.TCP,
          address == null ? DEFAULT_ADDRESS : address,
          port(parts.group(3)),
          port(parts.group(4)));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("port forward '" + text + "': " + e.getMessage(), e);
    }
  }

  private static int port(String digits) {
    return digits.length() > 5 ? Integer.MAX_VALUE : Integer.parseInt(digits);
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
