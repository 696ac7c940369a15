// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.console.ConsoleInput;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Types what comes from the process' standard input at a console, on a thread of its own. Takes
 * only what the guest has room for, so that a pipe is held back rather than cut.
 */
public final class ConsoleFeed implements AutoCloseable {
  /** Looks at what is typed before the guest gets it. Called by one thread. */
  @FunctionalInterface
  public interface KeyFilter {
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

  private ConsoleFeed(
      Console console, String name, Optional<KeyFilter> filter, BooleanSupplier mayRead) {
    this.console = console;
    try {
      input =
          filter.isEmpty()
              ? ConsoleInput.ofPipe(name, STANDARD_INPUT, console::offer)
              : ConsoleInput.ofTerminal(
                  name, STANDARD_INPUT, console::offer, filter.get()::filter, mayRead);
    } catch (LinuxException e) {
      throw new MachineException(Problem.HOST, e.getMessage(), e);
    }
    console.onRoom(input::roomAvailable);
    input.start();
  }

  /** Starts to type standard input at a console, as it is. */
  public static ConsoleFeed standardInput(Machine machine) {
    return new ConsoleFeed(machine.console(), machine.name(), Optional.empty(), () -> true);
  }

  /**
   * Starts to type what a person types on standard input, who is listened to even while the guest
   * is not.
   *
   * @param filter sees every key at once
   * @param mayRead whether the terminal may be read, which the kernel lets only the process in the
   *     foreground do; asked by the feed's thread before it waits and before it reads
   */
  public static ConsoleFeed terminal(Machine machine, KeyFilter filter, BooleanSupplier mayRead) {
    return new ConsoleFeed(machine.console(), machine.name(), Optional.of(filter), mayRead);
  }

  /** Has it ask at once whether it may read: the process was continued. */
  public void askAgain() {
    input.roomAvailable();
  }

  /** Ends the thread; calling it twice is harmless. */
  @Override
  public void close() {
    console.onRoom(() -> {});
    input.close();
  }
}
