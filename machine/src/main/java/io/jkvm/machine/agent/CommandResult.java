// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.nio.charset.StandardCharsets;

/**
 * A command that has ended, and all that it wrote.
 *
 * @param end how it ended
 * @param output its standard output
 * @param error its standard error
 */
public record CommandResult(CommandEnd end, byte[] output, byte[] error) {
  /** As {@link CommandEnd#shellStatus}. */
  public int status() {
    return end.shellStatus();
  }

  /** Its standard output as text; bytes that are no UTF-8 are replaced. */
  public String outputText() {
    return new String(output, StandardCharsets.UTF_8);
  }

  /** Its standard error as text. */
  public String errorText() {
    return new String(error, StandardCharsets.UTF_8);
  }
}
