// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.devices.network.passt.PortForward;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;

/**
 * A port of the host whose connections or datagrams go to a port of the guest.
 *
 * @param protocol what is forwarded
 * @param address the host's address that is listened on, IPv4 or IPv6 in numbers, no brackets
 * @param hostPort 1 to 65535
 * @param guestPort 1 to 65535
 */
public record PublishedPort(Protocol protocol, String address, int hostPort, int guestPort) {
  /** What can be forwarded. */
  public enum Protocol {
    /** Connections. */
    TCP,
    /** Datagrams. */
    UDP
  }

  /** Where a port is published that names no address: reachable from this host alone. */
  public static final String LOOPBACK = "127.0.0.1";

  /**
   * Checks the parts.
   *
   * @throws MachineException with {@link Problem#INCOMPLETE} or {@link Problem#PUBLISHED_PORT}
   */
  public PublishedPort {
    SpecChecks.whole(protocol, "the protocol of a published port");
    SpecChecks.whole(address, "the address of a published port");
    try {
      new PortForward(PortForward.Protocol.valueOf(protocol.name()), address, hostPort, guestPort);
    } catch (IllegalArgumentException e) {
      throw new MachineException(Problem.PUBLISHED_PORT, e.getMessage(), e);
    }
  }

  /** A TCP port of this host's loopback address. */
  public static PublishedPort tcp(int hostPort, int guestPort) {
    return new PublishedPort(Protocol.TCP, LOOPBACK, hostPort, guestPort);
  }
}
