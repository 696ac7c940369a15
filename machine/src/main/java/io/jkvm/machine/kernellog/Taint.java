// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

/** What taints a kernel, as letters. */
public final class Taint {
  /** By the numbers of their bits: docs/admin-guide/tainted-kernels.rst of Linux. */
  static final String LETTERS = "PFSRMBUDAWCIOELKXTNJ";

  private Taint() {}

  /**
   * The letters of the kernel's taint, as a report prints them without G.
   *
   * @param bits of /proc/sys/kernel/tainted
   * @return in the order of the bits; '?' for each that has no letter here
   */
  public static String letters(int bits) {
    StringBuilder letters = new StringBuilder();
    for (int bit = 0; bit < Integer.SIZE; bit++) {
      if ((bits >>> bit & 1) != 0) {
        letters.append(bit < LETTERS.length() ? LETTERS.charAt(bit) : '?');
      }
    }
    return letters.toString();
  }
}
