// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.console.ConsoleInput;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;

/**
 * Types what comes from the process' standard input at a console, on a thread of its own. Takes
 * only what the guest has room for, so that a pipe is held back rather than cut.
 */
public final class ConsoleFeed implements AutoCloseable {
  /** Looks at what is typed before the guest gets it. Called by one thread. */
  @FunctionalInterface
  public interface KeyFilter {
    /** Passes everything on. */
    KeyFilter NONE = (keys, count, kept) -> -1;

    /**
     * Takes out what is not for the guest.
     *
     * @param keys what was typed
     * @param count how many bytes of it
     * @param kept takes what the guest gets; longer than {@code count} by one
     * @return how many bytes the guest gets; -1 for all as they are
     */
    int filter(byte[] keys, int count, byte[] kept);
  }

  private final Console console;
  private final ConsoleInput input;

  private ConsoleFeed(Console console, KeyFilter filter, boolean interactive) {
    this.console = console;
    try {
      input = new ConsoleInput(console::offer, filter::filter, interactive);
    } catch (LinuxException e) {
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    }
    console.onRoom(input::roomAvailable);
    input.start();
  }

  /**
   * Starts to read standard input for a console.
   *
   * @param interactive true for a person at a terminal, who is listened to even while the guest is
   *     not: the filter sees every key at once
   */
  public static ConsoleFeed standardInput(Console console, KeyFilter filter, boolean interactive) {
    return new ConsoleFeed(console, filter, interactive);
  }

  /** Ends the thread; calling it twice is harmless. */
  @Override
  public void close() {
    console.onRoom(() -> {});
    input.close();
  }
}
