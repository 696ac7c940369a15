// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Looks in a kernel's log for the agent's word that there is no way to the host, which it has no
 * other way to tell: docs/agent-protocol.md, "The channel". That it has found none yet is another
 * word, which tells nothing. For one thread at a time.
 */
final class AgentComplaint {
  private static final String MARK = "jkvm-agent: no channel to the host: ";
  private static final int MAX_CHARACTERS = 400;

  private final StringBuilder line = new StringBuilder();
  private String found;

  /** Takes what comes next; lines are cut where the word can't be any more. */
  void accept(byte[] bytes) {
    if (found != null) {
      return;
    }
    for (byte value : bytes) {
      if (value == '\r') {
        continue;
      }
      if (value == '\n') {
        look();
        line.setLength(0);
      } else if (line.length() < MAX_CHARACTERS) {
        line.append((char) (value & 0xff));
      }
    }
  }

  private void look() {
    int at = line.indexOf(MARK);
    if (at >= 0) {
      byte[] text = line.substring(at + MARK.length()).getBytes(StandardCharsets.ISO_8859_1);
      found = KernelWatch.printable(text);
    }
  }

  /** What the kernel lacks, as the agent says; empty as long as it does not complain. */
  Optional<String> found() {
    return Optional.ofNullable(found);
  }
}
