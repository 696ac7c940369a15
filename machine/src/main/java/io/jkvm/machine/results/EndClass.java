// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.util.Locale;

/** How a run ended. An exit status alone can't say it: a command's own 255 looks like any other. */
public enum EndClass {
  /** The command ended by itself, with an exit status. */
  EXITED,
  /** A signal ended the command. */
  SIGNAL,
  /** The kernel panicked. */
  PANIC,
  /** The kernel reported an oops, a BUG or what else was to end the run. */
  OOPS,
  /** The kernel reported a soft or hard lockup. */
  LOCKUP,
  /** Neither output nor progress for too long. */
  STALL,
  /** The run's time limit was over. */
  LIMIT,
  /** The kernel's OOM killer took the command. */
  OUT_OF_MEMORY,
  /** The guest reset or powered off by itself, or its agent fell silent. */
  GONE,
  /** The command could not be started. */
  SETUP,
  /** The user ended the run. */
  INTERRUPTED;

  /** The class as it stands in reports: lower case, words joined by hyphens. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Whether the command itself was heard to the end, so that its status says what it found. */
  public boolean isVerdictOfCommand() {
    return this == EXITED || this == SIGNAL;
  }
}
