// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.devices.console.KeyFilter;

/** The keys behind Ctrl-A, which are commands to jkvm itself. */
final class EscapeKeys implements KeyFilter {
  static final String HELP =
      "Ctrl-A x  stop the virtual machine\n"
          + "Ctrl-A h  this help\n"
          + "Ctrl-A a  send Ctrl-A to the guest (or Ctrl-A twice)\n";

  private static final byte CTRL_A = 1;

  private final Runnable stop;
  private final Runnable help;
  private boolean escaped;

  /**
   * Keys of one terminal. Both commands are called on the thread that reads it.
   *
   * @param stop may be called again
   */
  EscapeKeys(Runnable stop, Runnable help) {
    this.stop = stop;
    this.help = help;
  }

  @Override
  public int filter(byte[] keys, int count, byte[] passed) {
    int length = 0;
    for (int i = 0; i < count; i++) {
      byte key = keys[i];
      if (!escaped) {
        escaped = key == CTRL_A;
        if (!escaped) {
          passed[length++] = key;
        }
        continue;
      }
      escaped = false;
      switch (key) {
        case 'x', 'X' -> stop.run();
        case 'h', 'H', '?' -> help.run();
        case 'a', CTRL_A -> passed[length++] = CTRL_A;
        default -> {
          passed[length++] = CTRL_A;
          passed[length++] = key;
        }
      }
    }
    return length;
  }
}
