// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.switching.BackendPort;
import io.jkvm.devices.network.switching.EthernetSwitch;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;

/** An Ethernet switch in this process; machines whose cards name the same object meet on it. */
public final class VirtualSwitch {
  private final String name;
  private final EthernetSwitch ports;

  /**
   * A switch without ports.
   *
   * @param name for messages and threads
   * @throws MachineException with {@link Problem#INCOMPLETE}
   */
  public VirtualSwitch(String name) {
    this.name = SpecChecks.whole(name, "the name of a switch");
    ports = new EthernetSwitch(name);
  }

  /** The name for messages and threads. */
  public String name() {
    return name;
  }

  /** One more port, to be closed by whoever asked for it. */
  public NetworkBackend newPort() {
    return ports.newPort();
  }

  /**
   * Connects a network of the user's own to a port, as if it were another machine.
   *
   * @throws IOException if the network can't be started
   */
  public AutoCloseable connect(NetworkBackend network) throws IOException {
    BackendPort port = new BackendPort(ports, network);
    try {
      port.start();
      return port;
    } catch (IOException | RuntimeException e) {
      port.close();
      throw e;
    }
  }

  @Override
  public String toString() {
    return "switch " + name;
  }
}
