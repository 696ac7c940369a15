// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.IOException;

/**
 * The agent is gone, or never came, or broke its protocol, or can't do what it is asked to; the
 * message says which.
 */
public final class AgentException extends IOException {
  private static final long serialVersionUID = 1L;

  private final boolean refusal;

  /** With one line for a person. */
  public AgentException(String message) {
    this(message, false);
  }

  AgentException(String message, boolean refusal) {
    super(message);
    this.refusal = refusal;
  }

  /** Whether the agent is there and has answered that it can't. */
  public boolean isRefusal() {
    return refusal;
  }
}
