// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

/** The keys behind Ctrl-A, which are for jkvm itself and not for the guest. */
final class EscapeKeys {
  static final String HELP =
      "Ctrl-A x  stop the virtual machine\n"
          + "Ctrl-A p  press its power button: a guest with ACPI shuts down\n"
          + "Ctrl-A b  send a break on the serial line: SysRq in Linux, whose key comes next\n"
          + "Ctrl-A h  list these keys\n"
          + "Ctrl-A a  send Ctrl-A to the guest (or Ctrl-A twice)\n";

  private static final byte CTRL_A = 1;

  /** What the keys do. */
  interface Actions {
    void stop();

    void pressPowerButton();

    void sendBreak();

    void help();
  }

  private final Actions actions;
  private boolean escaped;

  EscapeKeys(Actions actions) {
    this.actions = actions;
  }

  /**
   * Acts on Ctrl-A commands and keeps the guest's bytes.
   *
   * @param kept takes them; longer than {@code count} by one, for a Ctrl-A that was read before
   * @return how many were kept
   */
  int unescape(byte[] keys, int count, byte[] kept) {
    int length = 0;
    for (int i = 0; i < count; i++) {
      byte key = keys[i];
      if (!escaped) {
        escaped = key == CTRL_A;
        if (!escaped) {
          kept[length++] = key;
        }
        continue;
      }
      escaped = false;
      switch (key) {
        case 'x', 'X' -> actions.stop();
        case 'p', 'P' -> actions.pressPowerButton();
        case 'b', 'B' -> actions.sendBreak();
        case 'h', 'H', '?' -> actions.help();
        case 'a', CTRL_A -> kept[length++] = CTRL_A;
        default -> {
          kept[length++] = CTRL_A;
          kept[length++] = key;
        }
      }
    }
    return length;
  }
}
