// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.NativeMemory;
import java.util.Optional;

/**
 * The terminal on standard input in raw mode: every key reaches the guest at once and unechoed.
 * {@link #close} restores it; calling it twice is harmless.
 */
final class HostTerminal implements AutoCloseable {
  private static final int STANDARD_INPUT = 0;
  private static final int TCSANOW = 0;
  private static final int TERMIOS_BYTES = 60;

  // struct termios of Linux: four 32-bit flag words, c_line, then the control characters.
  private static final int C_IFLAG = 0;
  private static final int C_LFLAG = 12;
  private static final int C_CC = 17;
  private static final int VTIME = 5;
  private static final int VMIN = 6;

  private static final int IFLAG_CLEARED = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;
  private static final int LFLAG_CLEARED = 0x1 | 0x2 | 0x8 | 0x40 | 0x8000;

  private final NativeMemory saved;
  private boolean raw = true;

  private HostTerminal(NativeMemory saved) {
    this.saved = saved;
  }

  /** Switches to raw mode; empty where standard input is not a terminal. */
  static Optional<HostTerminal> enterRawMode() {
    NativeMemory saved = new NativeMemory(TERMIOS_BYTES);
    if (Libc.isatty(STANDARD_INPUT) != 1 || Libc.tcgetattr(STANDARD_INPUT, saved.address()) != 0) {
      return Optional.empty();
    }
    NativeMemory raw = new NativeMemory(TERMIOS_BYTES);
    raw.buffer().put(0, saved.buffer(), 0, TERMIOS_BYTES);
    // Output processing stays on, so that our own messages don't run down the screen in steps.
    raw.buffer().putInt(C_IFLAG, raw.buffer().getInt(C_IFLAG) & ~IFLAG_CLEARED);
    raw.buffer().putInt(C_LFLAG, raw.buffer().getInt(C_LFLAG) & ~LFLAG_CLEARED);
    raw.buffer().put(C_CC + VMIN, (byte) 1).put(C_CC + VTIME, (byte) 0);
    if (Libc.tcsetattr(STANDARD_INPUT, TCSANOW, raw.address()) != 0) {
      return Optional.empty();
    }
    return Optional.of(new HostTerminal(saved));
  }

  @Override
  public synchronized void close() {
    if (raw) {
      raw = false;
      Libc.tcsetattr(STANDARD_INPUT, TCSANOW, saved.address());
    }
  }
}
