// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.nio.ByteBuffer;

/** The host's end of what carries the agent's bytes; as a port of the console device has it. */
public interface AgentChannel {
  /**
   * Gives the guest as many bytes as it has room for now, at once.
   *
   * @param bytes from its position on, which is moved behind what the guest got
   * @return how many that were
   */
  int offer(ByteBuffer bytes);

  /** Waits until there may be room again; may return for no reason. */
  void awaitRoom(int timeoutMilliseconds);
}
