// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.devices.console.ConsoleHub;
import java.nio.charset.StandardCharsets;

/**
 * Calls the end of a machine by the name that Linux gave it just before, on the console: a reset
 * that follows "Kernel panic - not syncing" (panic=-1) is a panic, and a triple fault that follows
 * "reboot: Restarting system" (reboot=t) is a reset; processors that stop after "reboot: System
 * halted" were halted on purpose. Where a kernel waits for ever after a panic (panic=0), whatever
 * ends the machine says so. Looks at the console's last output when the machine ends, so it costs
 * nothing before.
 *
 * <p>A user program can print the same words; it gets the wrong name for its end, nothing else.
 */
final class LastWords {
  private static final String PANIC = "Kernel panic - not syncing";
  private static final String RESTART = "reboot: Restarting system";

  /** Also of a power-off that the machine has no registers for. */
  private static final String HALT = "reboot: System halted";

  /** A panic prints little between its message and the reset; more means that life went on. */
  private static final int LAST_BYTES = 32 << 10;

  private static final int MAX_MESSAGE_CHARACTERS = 200;

  /** Control characters, also those of 8 bits, and what turns the direction of a line. */
  private static final String NOT_FOR_A_TERMINAL = "[\\p{Cc}\\p{Cf}\\u2028\\u2029]";

  private LastWords() {}

  /** The reason itself, or a better one. */
  static StopReason refine(StopReason reason, ConsoleHub console) {
    return switch (reason.kind()) {
      case GUEST_RESET, TRIPLE_FAULT -> reset(reason, lastOutput(console));
      case GUEST_DEAD -> dead(reason, lastOutput(console));
      case TIMEOUT, HOST_SIGNAL, REQUESTED -> ended(reason, lastOutput(console));
      default -> reason;
    };
  }

  private static String lastOutput(ConsoleHub console) {
    return new String(console.since(console.written() - LAST_BYTES), StandardCharsets.UTF_8);
  }

  private static StopReason reset(StopReason reason, String output) {
    int panic = output.lastIndexOf(PANIC);
    int restart = output.lastIndexOf(RESTART);
    if (restart > panic) { // in good order; what a log that was shown before says is not its end
      return reason.kind() == StopReason.Kind.TRIPLE_FAULT
          ? new StopReason(StopReason.Kind.GUEST_RESET, "by a triple fault")
          : reason;
    }
    return panic < 0 ? reason : new StopReason(StopReason.Kind.GUEST_PANIC, message(output, panic));
  }

  private static StopReason dead(StopReason reason, String output) {
    int panic = output.lastIndexOf(PANIC);
    if (output.lastIndexOf(HALT) > panic) {
      return new StopReason(StopReason.Kind.GUEST_HALT, "");
    }
    return panic < 0 ? reason : new StopReason(StopReason.Kind.GUEST_PANIC, message(output, panic));
  }

  /** After "---[ end Kernel panic - not syncing: ... ]---" nothing comes any more. */
  private static StopReason ended(StopReason reason, String output) {
    String last = output.strip();
    last = last.substring(last.lastIndexOf('\n') + 1);
    if (!last.contains("end " + PANIC)) {
      return reason;
    }
    int end = output.lastIndexOf(PANIC);
    int before = output.lastIndexOf(PANIC, end - 1);
    int panic = before < 0 ? end : before; // the message stands in both
    String facts = "the guest's kernel had panicked: " + message(output, panic);
    return new StopReason(
        reason.kind(), reason.detail().isEmpty() ? facts : reason.detail() + "; " + facts);
  }

  private static String message(String output, int mark) {
    String message = output.substring(mark + PANIC.length()).split("[\r\n]", 2)[0];
    message = message.substring(0, Math.min(message.length(), MAX_MESSAGE_CHARACTERS));
    return message.replaceFirst("^[: ]+", "").replaceAll(NOT_FOR_A_TERMINAL, "?");
  }
}
