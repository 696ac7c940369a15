// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.machine.HostTerminal;
import java.util.Optional;

/**
 * The terminal of a job: the guest's, and raw, while a machine runs and the job is in the
 * foreground; otherwise the shell's, and untouched.
 *
 * <p>A shell tells nobody when it gives the terminal away and takes it back: {@code fg} continues
 * only a job that has stopped, not one that runs after {@code &} or {@code bg}. So {@link
 * #isOurs()} looks each time it is asked.
 */
final class JobTerminal {
  private final Optional<HostTerminal> terminal;

  // Guarded by this: whether a guest wants it, whether it is the shell's until the process has been
  // stopped and continued, and whether it has been raw since this process came to the foreground.
  private boolean wanted;
  private boolean lent;
  private boolean raw;

  JobTerminal(Optional<HostTerminal> terminal) {
    this.terminal = terminal;
  }

  boolean isPresent() {
    return terminal.isPresent();
  }

  /** From now on it is the guest's whenever it may be. */
  synchronized void take() {
    wanted = true;
    isOurs();
  }

  /** Whether it may be read; makes it raw if this process has just come to the foreground. */
  synchronized boolean isOurs() {
    raw = wanted && !lent && terminal.isPresent() && hold(terminal.get());
    return raw;
  }

  private boolean hold(HostTerminal held) {
    return held.isInForeground() && (raw || held.enterRawMode());
  }

  /** The process is about to stop: puts it back until {@link #takeAgain}. */
  synchronized void lend() {
    lent = true;
    putBack();
  }

  /** The process goes on after a stop that {@link #lend} made ready for. */
  synchronized void takeAgain() {
    lent = false;
    continued();
  }

  /** The process was continued, whoever stopped it: the shell has set a mode of its own since. */
  synchronized void continued() {
    raw = false;
    isOurs();
  }

  /** Puts it back for good. */
  synchronized void giveBack() {
    wanted = false;
    putBack();
  }

  private void putBack() {
    raw = false;
    terminal.ifPresent(HostTerminal::close);
  }
}
