// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import io.jkvm.machine.spec.MachineSpec;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people type them: {@code 512M}, {@code 2G}, {@code 1048576K}. */
public final class SizeOption {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,15})([KMGTkmgt]?)(i?[Bb])?");
  private static final int MIB_SHIFT = 20;

  private SizeOption() {}

  /**
   * Parses a number of bytes that may have a suffix.
   *
   * @return empty if it is none, {@link Long#MAX_VALUE} if it is that or more
   */
  static OptionalLong bytes(String text) {
    Matcher matcher = SIZE.matcher(text);
    return matcher.matches() ? OptionalLong.of(bytes(matcher, 0)) : OptionalLong.empty();
  }

  /** What a match says, with 2 to the power of this as the unit of a number without a suffix. */
  private static long bytes(Matcher matcher, int bareShift) {
    int shift =
        switch (matcher.group(2)) {
          case "k", "K" -> 10;
          case "m", "M" -> MIB_SHIFT;
          case "g", "G" -> 30;
          case "t", "T" -> 40;
          default -> bareShift;
        };
    long count = Long.parseLong(matcher.group(1));
    return count > Long.MAX_VALUE >>> shift ? Long.MAX_VALUE : count << shift;
  }

  /**
   * Parses the size of a guest's memory into bytes; a bare number is MiB.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static long parse(String text) {
    Matcher matcher = SIZE.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("'" + text + "' is not a size; write 512M or 2G");
    }
    long bytes = bytes(matcher, MIB_SHIFT);
    if (bytes == Long.MAX_VALUE) {
      throw new IllegalArgumentException("'" + text + "' is more than any machine has");
    }
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
