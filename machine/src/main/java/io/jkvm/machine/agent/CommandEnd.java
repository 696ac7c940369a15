// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

/**
 * How a command in the guest ended.
 *
 * @param how the sort of end
 * @param value the exit status 0 to 255, the signal 1 to 64, or an errno, as {@code how} says
 * @param leftoversKilled something that the command had started outlived it, and was killed
 * @param outOfMemory the guest's kernel killed something of it for want of memory, as its control
 *     group counts; false where nothing counts
 * @param taint what the kernel's taint gained while it ran: bits 0 to 23 of
 *     /proc/sys/kernel/tainted, as docs/admin-guide/tainted-kernels.rst of Linux numbers them; 0
 *     where the guest can't read it
 * @param text what the agent says about it, perhaps empty: the guest's words, in one line of at
 *     most 1024 characters that a terminal can show
 */
public record CommandEnd(
    How how, int value, boolean leftoversKilled, boolean outOfMemory, int taint, String text) {
  private static final int SIGNALLED = 128;
  private static final int NOT_FOUND = 127;
  private static final int NOT_EXECUTABLE = 126;
  private static final int SETUP_FAILED = 125;

  /** The sorts of end, in the order of their numbers in the protocol. */
  public enum How {
    /** It exited, with a status. */
    EXITED,
    /** A signal ended it. */
    SIGNALLED,
    /** There is no such command. */
    NOT_FOUND,
    /** It is there, but can't be executed. */
    NOT_EXECUTABLE,
    /** It could not be started for another reason, such as a user that is not there. */
    SETUP_FAILED
  }

  /** The end of a command during which the kernel was not tainted. */
  public CommandEnd(How how, int value, boolean leftoversKilled, boolean outOfMemory, String text) {
    this(how, value, leftoversKilled, outOfMemory, 0, text);
  }

  /** One number for it, as a shell and containers have it. */
  public int shellStatus() {
    return switch (how) {
      case EXITED -> value;
      case SIGNALLED -> SIGNALLED + value;
      case NOT_FOUND -> NOT_FOUND;
      case NOT_EXECUTABLE -> NOT_EXECUTABLE;
      case SETUP_FAILED -> SETUP_FAILED;
    };
  }
}
