// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.StopReason;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.testing.TestOutcome;
import java.util.Optional;

/**
 * What the end of a guest's shell is to its user, who may have ended it in more ways than one: by
 * its own {@code exit}, by leaving it, by a power-off. Only once there was a shell: else it is an
 * end as any other command's.
 *
 * @param left whether the user has left it
 * @param stop why the machine stopped
 */
record ShellEnd(TestOutcome outcome, boolean left, Optional<StopReason> stop) {
  /** Whether it ended as its user wanted. */
  boolean isWanted() {
    return outcome.end().isVerdictOfCommand() || isEndOfTheMachine();
  }

  private boolean isEndOfTheMachine() {
    boolean isLeft = left && outcome.end() == EndClass.INTERRUPTED;
    boolean isOff =
        outcome.end() == EndClass.GONE
            && outcome.decisive().isEmpty()
            && stop.filter(ShellEnd::isOff).isPresent();
    return outcome.commandStarted() && (isLeft || isOff);
  }

  private static boolean isOff(StopReason reason) {
    return switch (reason.kind()) {
      case GUEST_POWER_OFF, GUEST_RESET, GUEST_HALT -> true;
      default -> false;
    };
  }

  int status() {
    return isEndOfTheMachine() ? 0 : outcome.status();
  }

  /** What to tell: of an end by the machine's how that was, of one that nobody wanted the class. */
  Optional<String> line() {
    if (isEndOfTheMachine()) {
      return stop.map(StopReason::toString);
    }
    return isWanted()
        ? Optional.empty()
        : Optional.of(LastLine.of(outcome.end(), status(), outcome.detail()));
  }
}
