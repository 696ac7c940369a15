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

  /**
   * Runs something once the agent's host has been given all that the guest has sent up to now; at
   * once where nothing can be on its way. It must not wait.
   */
  default void afterReceived(Runnable action) {
    action.run();
  }

  /** Waits until there may be room again; may return for no reason. */
  void awaitRoom(int timeoutMilliseconds);
}
