// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.devices.console.ConsoleHub;
import java.nio.charset.StandardCharsets;

/**
 * Calls a reset that follows Linux's "Kernel panic - not syncing" (panic=-1) by its name. Looks at
 * the console's last output when the guest resets, so it costs nothing before.
 *
 * <p>A user program can print the same words; it gets the wrong name for its reset, nothing else.
 */
final class PanicMessage {
  private static final String MARK = "Kernel panic - not syncing";

  /** A panic prints little between its message and the reset; more means that life went on. */
  private static final int LAST_BYTES = 32 << 10;

  private static final int MAX_MESSAGE_CHARACTERS = 200;

  private PanicMessage() {}

  /** The reason itself, or a panic where the guest reset just after one. */
  static StopReason refine(StopReason reason, ConsoleHub console) {
    boolean reset =
        reason.kind() == StopReason.Kind.GUEST_RESET
            || reason.kind() == StopReason.Kind.TRIPLE_FAULT;
    if (!reset) {
      return reason;
    }
    String output =
        new String(console.since(console.written() - LAST_BYTES), StandardCharsets.UTF_8);
    int mark = output.lastIndexOf(MARK);
    if (mark < 0) {
      return reason;
    }
    String message = output.substring(mark + MARK.length()).split("[\r\n]", 2)[0];
    message = message.substring(0, Math.min(message.length(), MAX_MESSAGE_CHARACTERS));
    return new StopReason(
        StopReason.Kind.GUEST_PANIC,
        message.replaceFirst("^[: ]+", "").replaceAll("\\p{Cntrl}", "?"));
  }
}
