// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.HostTerminal;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * Standard input of a job: a terminal is read in the foreground only. A read from the background,
 * as after {@code &} or below {@code timeout}, would stop the process, and the guest with it, for a
 * command that may never want any input.
 */
final class ForegroundInput extends InputStream {
  private static final long LOOK_MILLISECONDS = 200;

  private final InputStream input;
  private final Optional<HostTerminal> terminal;

  /** {@code input} is standard input, whatever that is. */
  ForegroundInput(InputStream input) {
    this.input = input;
    terminal = HostTerminal.standardInput();
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    awaitForeground();
    return input.read(bytes, offset, length);
  }

  @Override
  public int read() throws IOException {
    awaitForeground();
    return input.read();
  }

  /** A shell tells nobody when it gives the terminal away, so it is looked at now and then. */
  private void awaitForeground() throws IOException {
    try {
      while (terminal.isPresent() && !terminal.get().isInForeground()) {
        Thread.sleep(LOOK_MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
