// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import io.jkvm.machine.spec.MachineSpec;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people type them: {@code 512M}, {@code 2G}, {@code 1048576K}; a bare number is MiB. */
public final class SizeOption {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,15})([KMGTkmgt]?)(i?[Bb])?");

  private SizeOption() {}

  /**
   * Parses the size of a guest's memory into bytes.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static long parse(String text) {
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
    if (bytes < MachineSpec.MIN_MEMORY_BYTES) {
      throw new IllegalArgumentException(
          "'" + text + "' is too small for Linux; give at least 64M");
    }
    if (bytes % 4096 != 0) {
      throw new IllegalArgumentException("'" + text + "' is not a whole number of 4 KiB pages");
    }
    return bytes;
  }
}
