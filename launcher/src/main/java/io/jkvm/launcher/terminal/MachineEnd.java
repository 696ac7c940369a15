// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.machine.ConsoleStream;
import io.jkvm.machine.StopReason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * How a machine ended.
 *
 * @param guestStatus what the guest left for its user
 * @param failures what could not be flushed, written or closed, each with a message for a person
 */
record MachineEnd(StopReason reason, OptionalInt guestStatus, List<Exception> failures) {
  /** Whether the guest chose the end, or came to it. */
  boolean isGuests() {
    return switch (reason.kind().outcome()) {
      case CLEAN -> reason.kind() != StopReason.Kind.REQUESTED;
      case GUEST_CRASHED -> true;
      case HOST_FAILED, SIGNALLED, TIMED_OUT -> false;
    };
  }

  /** Whether what the host says of standard output is to be told beside the end. */
  boolean isNews(IOException failure) {
    return switch (reason.kind().outcome()) {
      case HOST_FAILED -> !reason.detail().contains(failure.getMessage()); // unless that was it
      case SIGNALLED -> !ConsoleStream.hasReaderLeft(failure); // it got the signal, too
      case CLEAN, GUEST_CRASHED, TIMED_OUT -> true;
    };
  }

  /** The same with one more failure. */
  MachineEnd with(Exception failure) {
    List<Exception> all = new ArrayList<>(failures);
    all.add(failure);
    return new MachineEnd(reason, guestStatus, all);
  }

  /** The exit status of the command. That something may be lost counts more than the end. */
  int status() {
    if (!failures.isEmpty()) {
      return ExitStatus.HOST;
    }
    int status = ExitStatus.of(reason);
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
