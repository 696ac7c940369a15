// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.linux.Fd;
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
    KeyFilter NONE =
        (keys, count, kept) -> {
          System.arraycopy(keys, 0, kept, 0, count);
          return count;
        };

    /**
     * Takes out what is not for the guest.
     *
     * @param keys what was typed
     * @param count how many bytes of it
     * @param kept takes what the guest gets; longer than {@code count} by 16
     * @return how many bytes the guest gets
     */
    int filter(byte[] keys, int count, byte[] kept);
  }

  private static final Fd STANDARD_INPUT = new Fd(0);

  private final Console console;
  private final ConsoleInput input;

  private ConsoleFeed(Console console, String machineName, KeyFilter filter) {
    this.console = console;
    try {
      input =
          filter == KeyFilter.NONE
              ? ConsoleInput.ofPipe(machineName, STANDARD_INPUT, console::offer)
              : ConsoleInput.ofTerminal(
                  machineName, STANDARD_INPUT, console::offer, filter::filter);
    } catch (LinuxException e) {
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    }
    console.onRoom(input::roomAvailable);
    input.start();
  }

  /**
   * Starts to read standard input for a console.
   *
   * @param filter for a person at a terminal, who is listened to even while the guest is not: it
   *     sees every key at once; {@link KeyFilter#NONE} for a pipe
   */
  public static ConsoleFeed standardInput(Machine machine, KeyFilter filter) {
    return new ConsoleFeed(machine.console(), machine.name(), filter);
  }

  /** Ends the thread; calling it twice is harmless. */
  @Override
  public void close() {
    console.onRoom(() -> {});
    input.close();
  }
}
