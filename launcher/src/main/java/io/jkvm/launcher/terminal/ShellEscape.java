// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

/**
 * The one command of a terminal whose keys are all the guest's: {@code ~.} after a line's end
 * leaves it, as with ssh; {@code ~~} there is one tilde.
 */
public final class ShellEscape {
  private static final byte TILDE = '~';

  private final Runnable leave;
  private boolean lineBegins = true;
  private boolean escaped;

  /** With what leaves. */
  public ShellEscape(Runnable leave) {
    this.leave = leave;
  }

  /**
   * Keeps the guest's keys.
   *
   * @param kept takes them; longer than {@code count} by one, for a tilde that was read before
   * @return how many were kept
   */
  public int unescape(byte[] keys, int count, byte[] kept) {
    int length = 0;
    for (int i = 0; i < count; i++) {
      byte key = keys[i];
      if (escaped) {
        escaped = false;
        if (key == '.') {
          leave.run();
          continue;
        }
        kept[length++] = TILDE;
        if (key != TILDE) {
          kept[length++] = key;
        }
      } else if (lineBegins && key == TILDE) {
        escaped = true;
        continue;
      } else {
        kept[length++] = key;
      }
      lineBegins = key == '\r' || key == '\n';
    }
    return length;
  }
}
