// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.machine.StopReason;
import java.util.OptionalInt;

/**
 * How a machine ended.
 *
 * @param guestStatus what the guest left for its user
 * @param allClosed false if a disk was not flushed, or something else stayed open
 */
record Ending(StopReason reason, OptionalInt guestStatus, boolean allClosed) {
  /** The exit status of the command. */
  int status() {
    int status = ExitStatus.of(reason);
    if (status == ExitStatus.OK && !allClosed) {
      return ExitStatus.HOST;
    }
    return status == ExitStatus.OK ? ownStatus() : status;
  }

  /** A status that was left counts only where the guest itself chose the end. */
  private int ownStatus() {
    return switch (reason.kind()) {
      case GUEST_RESET, GUEST_POWER_OFF, GUEST_HALT -> guestStatus.orElse(ExitStatus.OK);
      default -> ExitStatus.OK;
    };
  }

  /** One line for a person. */
  @Override
  public String toString() {
    return ownStatus() == ExitStatus.OK ? reason.toString() : reason + ", status " + ownStatus();
  }
}
