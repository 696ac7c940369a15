// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.IOException;

/** The agent is gone, or never came, or broke its protocol; the message says which. */
public final class AgentException extends IOException {
  private static final long serialVersionUID = 1L;

  /** With one line for a person. */
  public AgentException(String message) {
    super(message);
  }
}
