// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import io.jkvm.core.lifecycle.LogLimit;
import java.nio.ByteBuffer;

/**
 * A port of a {@link VirtioConsole} in the hands of the host. It is there before the guest is, and
 * outlives its resets. For any thread; nothing waits but {@link #awaitRoom}.
 */
public final class ConsolePort {
  private static final int MAX_LOGGED = 4;
  private static final int MAX_SIZE = 0xffff;

  private final int number;
  private final PortSpec spec;
  private final String logName;
  private final ControlSender control;
  private final Runnable resized;
  private final PortInput input = new PortInput();
  private final PortOutput output;
  private final LogLimit failures = new LogLimit(VirtioConsole.class, MAX_LOGGED);

  /**
   * A port whose host's end is closed.
   *
   * @param resized what else is to be done when its size has changed
   */
  ConsolePort(
      int number, PortSpec spec, String deviceName, ControlSender control, Runnable resized) {
    this.number = number;
    this.spec = spec;
    this.control = control;
    this.resized = resized;
    logName = deviceName + " port " + number;
    output = new PortOutput(logName, spec.host());
  }

  /** The port's number, from 0. */
  public int number() {
    return number;
  }

  /** The port's name, which may be empty. */
  public String name() {
    return spec.name();
  }

  /** Opens the host's end: the guest is told, and its output is taken from now on. */
  public synchronized void open() {
    output.hostOpen(true); // first, or what the guest sends in answer could be dropped
    control.hostOpen(number, true);
  }

  /**
   * Closes the host's end, as it is at the beginning: the guest is told. Its output is dropped from
   * now on, also what waits for room; a call of {@link PortHost#accept} may be under way still.
   */
  public synchronized void close() {
    output.hostOpen(false);
    control.hostOpen(number, false);
  }

  /** Whether the guest's end is open. */
  public boolean guestOpen() {
    return input.guestOpen();
  }

  /** The driver said so, or is gone; one thread at a time. */
  void guestOpen(boolean open) {
    if (input.guestOpen(open)) {
      try {
        spec.host().guestOpen(open);
      } catch (RuntimeException e) {
        failures.warn(logName, "the host's side failed: " + e);
      }
    }
  }

  /**
   * Gives the guest as many bytes as its buffers have room for, which is none while its end is
   * closed, there is no driver, or the machine is paused. A pause waits until they are copied.
   *
   * @param bytes from its position on, which is moved behind what the guest got
   * @return how many that were; if not all, {@link #awaitRoom} tells when to offer the rest
   */
  public int offer(ByteBuffer bytes) {
    return input.offer(bytes);
  }

  /**
   * Waits until the guest may have room, after an {@link #offer} that it did not take wholly: it
   * has added buffers, opened its end, or started its driver, or a pause is over. May return for no
   * reason.
   *
   * @param timeoutMilliseconds how long at most; 0 or less only looks
   */
  public void awaitRoom(int timeoutMilliseconds) {
    input.awaitRoom(Math.max(0, timeoutMilliseconds));
  }

  /**
   * There is room for the guest's output again; to be called after a {@link PortHost#accept} that
   * did not take all. A call too many does no harm.
   */
  public void roomInHost() {
    output.lookAgain();
  }

  /**
   * Runs something once the host has been given what the guest has sent up to now: at once, or on
   * the thread that calls {@link PortHost#accept}. Output is left out where the machine is paused,
   * or is closed before. It must not wait.
   */
  public void afterOutput(Runnable action) {
    output.afterPending(action);
  }

  /**
   * Tells the guest the size of a console's window; it is not known at the beginning.
   *
   * @param columns 0 to 65535
   * @param rows 0 to 65535
   * @throws IllegalStateException if the port is not a console
   */
  public void resize(int columns, int rows) {
    if (!spec.console()) {
      throw new IllegalStateException(logName + " is not a console");
    }
    if (columns < 0 || columns > MAX_SIZE || rows < 0 || rows > MAX_SIZE) {
      throw new IllegalArgumentException(columns + " columns, " + rows + " rows");
    }
    if (control.resize(number, columns, rows)) {
      resized.run();
    }
  }

  PortInput input() {
    return input;
  }

  PortOutput output() {
    return output;
  }
}
