// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.PrintableText;
import java.util.List;
import java.util.Optional;

/**
 * An end, before all of the kernel's log has been read.
 *
 * @param agentIsGone true if the guest seems to run on without its agent
 */
record ProvisionalEnd(
    EndClass end,
    String detail,
    Optional<CommandEnd> commandEnd,
    Optional<KernelEvent> decisive,
    boolean agentIsGone) {
  private static final int MAX_CHARACTERS = 4000;

  /** Whatever the guest had a part in, the detail is one line that a terminal can show. */
  ProvisionalEnd {
    detail = PrintableText.forLine(detail, MAX_CHARACTERS);
  }

  static ProvisionalEnd of(EndClass end, String detail) {
    return new ProvisionalEnd(end, detail, Optional.empty(), Optional.empty(), false);
  }

  static ProvisionalEnd of(EndClass end, String detail, CommandEnd commandEnd) {
    return new ProvisionalEnd(end, detail, Optional.of(commandEnd), Optional.empty(), false);
  }

  static ProvisionalEnd gone(String detail) {
    return new ProvisionalEnd(EndClass.GONE, detail, Optional.empty(), Optional.empty(), true);
  }

  /** The same for a command that had ended before, whose end does not count then. */
  ProvisionalEnd behind(CommandEnd command, String itsDetail) {
    return new ProvisionalEnd(
        end, detail + "; the command: " + itsDetail, Optional.of(command), decisive, agentIsGone);
  }

  ProvisionalEnd because(EndClass other, String why, KernelEvent event) {
    return new ProvisionalEnd(other, why, commandEnd, Optional.of(event), false);
  }

  /** A command's verdict does not stand if the host has lost something of the run. */
  ProvisionalEnd afterFailures(List<Exception> failures) {
    if (failures.isEmpty() || !end.isVerdictOfCommand()) {
      return this;
    }
    return of(EndClass.SETUP, failures.get(0).getMessage() + "; the command: " + detail);
  }
}
