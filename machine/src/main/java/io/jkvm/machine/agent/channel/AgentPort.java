// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent.channel;

import io.jkvm.devices.virtio.console.ConsolePort;
import io.jkvm.devices.virtio.console.PortHost;
import io.jkvm.devices.virtio.console.PortSpec;
import io.jkvm.devices.virtio.console.VirtioConsole;
import io.jkvm.machine.agent.AgentChannel;
import io.jkvm.machine.agent.GuestAgent;
import java.nio.ByteBuffer;
import java.util.List;

/** The agent's channel as a port of a console device. */
final class AgentPort implements PortHost, AgentChannel, AgentLink {
  /** What the agent looks for: docs/agent-protocol.md, "The channel". */
  private static final String NAME = "io.jkvm.agent";

  private final VirtioConsole device;
  private final ConsolePort port;
  private final GuestAgent agent = new GuestAgent(this);

  AgentPort() {
    device = new VirtioConsole("agent", List.of(PortSpec.stream(NAME, this)));
    port = device.ports().get(0);
    port.open();
  }

  @Override
  public VirtioConsole device() {
    return device;
  }

  @Override
  public GuestAgent agent() {
    return agent;
  }

  @Override
  public void accept(ByteBuffer bytes) {
    agent.accept(bytes);
  }

  @Override
  public void guestOpen(boolean open) {
    if (!open && agent.hasSpoken()) {
      agent.end("the guest's agent is gone");
    }
  }

  @Override
  public void afterReceived(Runnable action) {
    port.afterOutput(action);
  }

  @Override
  public int offer(ByteBuffer bytes) {
    return port.offer(bytes);
  }

  @Override
  public void awaitRoom(int timeoutMilliseconds) {
    port.awaitRoom(timeoutMilliseconds);
  }
}
