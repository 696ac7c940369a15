// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.IOException;

/**
 * The agent is gone, or never came, or broke its protocol, or can't do what it is asked to; the
 * message says which.
 */
public final class AgentException extends IOException {
  private static final long serialVersionUID = 1L;

  private final long errno;

  /** With one line for a person. */
  public AgentException(String message) {
    this(message, 0);
  }

  AgentException(String message, long errno) {
    super(message);
    this.errno = errno;
  }

  /** The error number with which the agent has answered; 0 if it has not. */
  public long errno() {
    return errno;
  }
}
