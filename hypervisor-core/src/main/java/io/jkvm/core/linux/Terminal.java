// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import java.util.Optional;

/**
 * A terminal and its mode (termios(3)). A process in the background must not touch the mode: the
 * kernel would stop it with SIGTTOU. So nothing is changed unless {@link #inForeground}.
 *
 * <pre>
 * struct termios {       offset
 *   unsigned c_iflag;         0
 *   unsigned c_oflag;         4
 *   unsigned c_cflag;         8
 *   unsigned c_lflag;        12
 *   cc_t     c_line;         16
 *   cc_t     c_cc[32];       17
 *   unsigned c_ispeed;       52
 *   unsigned c_ospeed;       56
 * };
 * </pre>
 */
public final class Terminal {
  private static final int TERMIOS_BYTES = 60;
  private static final int C_IFLAG = 0;
  private static final int C_OFLAG = 4;
  private static final int C_LFLAG = 12;
  private static final int C_CC = 17;

  // c_iflag
  private static final int IGNBRK = 0x001;
  private static final int BRKINT = 0x002;
  private static final int PARMRK = 0x008;
  private static final int ISTRIP = 0x020;
  private static final int INLCR = 0x040;
  private static final int IGNCR = 0x080;
  private static final int ICRNL = 0x100;
  private static final int IXON = 0x400;

  // c_oflag
  private static final int OPOST = 0x1;

  // c_lflag
  private static final int ISIG = 0x0001;
  private static final int ICANON = 0x0002;
  private static final int ECHO = 0x0008;
  private static final int ECHONL = 0x0040;
  private static final int IEXTEN = 0x8000;

  // c_cc
  private static final int VTIME = 5;
  private static final int VMIN = 6;

  /** struct winsize: rows, columns, and two that nobody uses, 16 bits each. */
  private static final int WINSIZE_BYTES = 8;

  private static final int TIOCGWINSZ = 0x5413;

  private static final int TCSANOW = 0;
  private static final int TCSAFLUSH = 2;

  private final int fd;
  private final NativeMemory saved = new NativeMemory(TERMIOS_BYTES);
  private final NativeMemory raw = new NativeMemory(TERMIOS_BYTES);
  private boolean isRaw;

  private Terminal(int fd) {
    this.fd = fd;
  }

  /**
   * The size of a terminal's window.
   *
   * @param rows 0 if it is not known
   * @param columns 0 if it is not known
   */
  public record WindowSize(int rows, int columns) {}

  /** Its size now; none where the terminal is gone. */
  public WindowSize windowSize() {
    NativeMemory size = new NativeMemory(WINSIZE_BYTES);
    if (Libc.ioctl(fd, TIOCGWINSZ, size.address()) < 0) {
      return new WindowSize(0, 0);
    }
    return new WindowSize(
        Short.toUnsignedInt(size.buffer().getShort(0)),
        Short.toUnsignedInt(size.buffer().getShort(2)));
  }

  /** Whether a descriptor is a terminal. */
  public static boolean isTerminal(int fd) {
    return Libc.isatty(fd) == 1;
  }

  /** The terminal behind a descriptor that stays open; empty if it is something else. */
  public static Optional<Terminal> of(int fd) {
    return isTerminal(fd) ? Optional.of(new Terminal(fd)) : Optional.empty();
  }

  /**
   * Whether this process may read and change the terminal without being stopped: it belongs to the
   * foreground process group, or the terminal is not the one that controls its session, so that
   * there is no job control.
   */
  public boolean inForeground() {
    int foreground = Libc.tcgetpgrp(fd);
    return foreground < 0 || foreground == Libc.getpgrp();
  }

  /**
   * Saves the mode and switches to raw: every key arrives at once and unechoed, and none makes a
   * signal. If this object made the terminal raw already, that is done again, and what was saved
   * first stays: a shell that stops a process and continues it sets a mode of its own in between.
   *
   * @param outputToo false if a line feed is to return the cursor still; true for output that has
   *     been through a terminal's processing already
   * @return false if this process is in the background or the terminal is gone
   */
  public synchronized boolean enterRawMode(boolean outputToo) {
    if (isRaw) {
      return inForeground() && Libc.tcsetattr(fd, TCSANOW, raw.address()) == 0;
    }
    if (!inForeground() || Libc.tcgetattr(fd, saved.address()) != 0) {
      return false;
    }
    raw.buffer().put(0, saved.buffer(), 0, TERMIOS_BYTES);
    clear(C_IFLAG, IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    if (outputToo) {
      clear(C_OFLAG, OPOST);
    }
    clear(C_LFLAG, ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.buffer().put(C_CC + VMIN, (byte) 1).put(C_CC + VTIME, (byte) 0);
    isRaw = Libc.tcsetattr(fd, TCSANOW, raw.address()) == 0;
    return isRaw;
  }

  private void clear(int flags, int bits) {
    raw.buffer().putInt(flags, raw.buffer().getInt(flags) & ~bits);
  }

  /**
   * Restores the saved mode and drops what was typed and not read: a guest's output can make a
   * terminal answer, and that answer must not become the shell's input. Calling it twice is
   * harmless.
   *
   * @return false if the terminal is still raw: this process is in the background
   */
  public synchronized boolean restore() {
    if (isRaw && inForeground()) {
      Libc.tcsetattr(fd, TCSAFLUSH, saved.address());
      isRaw = false;
    }
    return !isRaw;
  }
}
