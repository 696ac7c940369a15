// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people type them: {@code 512M}, {@code 2G}, {@code 1048576K}; a bare number is MiB. */
final class MemorySize {
  static final long MIN_BYTES = 64L << 20;

  private static final Pattern SIZE = Pattern.compile("(\\d{1,15})([KMGTkmgt]?)(i?[Bb])?");

  private MemorySize() {}

  /**
   * Parses the size of a guest's memory into bytes.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static long parse(String text) {
    Matcher matcher = SIZE.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("'" + text + "' is not a size; write 512M or 2G");
    }
    int shift =
        switch (matcher.group(2)) {
          case "k", "K" -> 10;
          case "g", "G" -> 30;
          case "t", "T" -> 40;
          default -> 20;
        };
    long count = Long.parseLong(matcher.group(1));
    if (count > Long.MAX_VALUE >>> shift) {
      throw new IllegalArgumentException("'" + text + "' is more than any machine has");
    }
    long bytes = count << shift;
    if (bytes < MIN_BYTES) {
      throw new IllegalArgumentException(
          "'" + text + "' is too small for Linux; give at least 64M");
    }
    if (bytes % 4096 != 0) {
      throw new IllegalArgumentException("'" + text + "' is not a whole number of 4 KiB pages");
    }
    return bytes;
  }

  /** Bytes in the largest unit that divides them well enough to read. */
  static String format(long bytes) {
    for (int shift = 40; shift >= 10; shift -= 10) {
      if (bytes >= 1L << shift) {
        double value = (double) bytes / (1L << shift);
        String unit = "KMGT".charAt(shift / 10 - 1) + "";
        return (value == Math.rint(value)
                ? String.valueOf((long) value)
                : String.format("%.1f", value))
            + unit;
      }
    }
    return bytes + " bytes";
  }
}
