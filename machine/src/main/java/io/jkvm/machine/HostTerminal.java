// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.linux.OwnProcess;
import io.jkvm.core.linux.Terminal;
import io.jkvm.machine.agent.GuestCommand;
import java.util.Optional;

/**
 * The terminal on standard input, in raw mode while a guest has it: every key reaches the guest at
 * once and unechoed. Never touches a terminal from the background, where that would stop the
 * process.
 */
public final class HostTerminal implements AutoCloseable {
  private static final int STANDARD_INPUT = 0;

  private final Terminal terminal;
  private final boolean outputToo;

  private HostTerminal(Terminal terminal, boolean outputToo) {
    this.terminal = terminal;
    this.outputToo = outputToo;
  }

  /**
   * The terminal on standard input, as it is; empty if that is something else. Line feeds of a
   * guest's serial console return its cursor.
   */
  public static Optional<HostTerminal> standardInput() {
    return Terminal.of(STANDARD_INPUT).map(found -> new HostTerminal(found, false));
  }

  /** The same for what is a terminal in the guest already, whose output is not to be changed. */
  public static Optional<HostTerminal> forGuestTerminal() {
    return Terminal.of(STANDARD_INPUT).map(found -> new HostTerminal(found, true));
  }

  /** Whether a standard stream is a terminal: 0 input, 1 output, 2 error. */
  public static boolean isTerminal(int stream) {
    return Terminal.isTerminal(stream);
  }

  /** The size of its window now, 0 for what is not known. */
  public GuestCommand.Size size() {
    Terminal.WindowSize size = terminal.windowSize();
    return new GuestCommand.Size(size.rows(), size.columns());
  }

  /** Whether this process may read the terminal and change its mode, as {@code fg} lets a job. */
  public boolean isInForeground() {
    return terminal.inForeground();
  }

  /**
   * Switches to raw mode, again if another program has changed the mode meanwhile.
   *
   * @return false if this process is in the background, or the terminal is gone
   */
  public boolean enterRawMode() {
    return terminal.enterRawMode(outputToo);
  }

  /**
   * Has this process end by SIGTERM when another ends that started it and is to put the terminal
   * back.
   *
   * @param process its id
   */
  public static void endWith(int process) {
    OwnProcess.endWith(process);
  }

  /**
   * Tells the process that started this one, and is to stop it and continue it, that the terminal
   * has been put back: sends SIGUSR1.
   *
   * @param process its id
   */
  public static void signalParent(int process) {
    OwnProcess.signalParent(process);
  }

  /**
   * Stops this process as the terminal's suspend key does to one that is not raw; returns when it
   * is continued.
   */
  public static void stopProcess() {
    OwnProcess.stop();
  }

  /** Restores the mode and drops what was typed and not read; calling it twice is harmless. */
  @Override
  public void close() {
    terminal.restore();
  }
}
