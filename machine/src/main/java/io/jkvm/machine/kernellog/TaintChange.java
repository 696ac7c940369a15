// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

/**
 * A report showed another taint than the one before.
 *
 * @param line the line of the log where the report that shows it begins, from 1
 * @param before the letters until then, without G; empty if there were none
 * @param after the letters from then on
 */
public record TaintChange(long line, String before, String after) {
  /** By the numbers of their bits: docs/admin-guide/tainted-kernels.rst of Linux. */
  static final String LETTERS = "PFSRMBUDAWCIOELKXTNJ";

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

  /**
   * What is new.
   *
   * @return letters of {@link #after} that {@link #before} has not
   */
  public String added() {
    StringBuilder added = new StringBuilder();
    after.chars().filter(c -> before.indexOf(c) < 0).forEach(c -> added.append((char) c));
    return added.toString();
  }
}
