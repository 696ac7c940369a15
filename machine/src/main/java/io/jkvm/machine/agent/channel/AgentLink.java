// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent.channel;

import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.spec.AgentTransport;

/** An agent that may come, and the device that it comes by. */
public interface AgentLink {
  /** A link whose device is in no machine yet. */
  static AgentLink over(AgentTransport transport) {
    return switch (transport) {
      case CONSOLE_PORT -> new AgentPort();
      case VSOCK -> new AgentSocket();
    };
  }

  /** To be put into the machine. */
  VirtioDevice device();

  /** It is there from the beginning, and waits for the guest. */
  GuestAgent agent();
}
