// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people type them: {@code 500ms}, {@code 60s}, {@code 5m}, {@code 1h}. */
public final class TimeOption {
  private static final Pattern TIME = Pattern.compile("(\\d{1,9})(ms|s|m|h)?");

  private TimeOption() {}

  /**
   * Parses a duration, more than zero.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static Duration parse(String text) {
    Matcher matcher = TIME.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("'" + text + "' is not a time; write 60s or 5m");
    }
    String unit = matcher.group(2) == null ? "s" : matcher.group(2);
    long milliseconds =
        Long.parseLong(matcher.group(1))
            * switch (unit) {
              case "ms" -> 1;
              case "m" -> 60_000;
              case "h" -> 3_600_000;
              default -> 1000;
            };
    if (milliseconds == 0) {
      throw new IllegalArgumentException("a limit of no time at all");
    }
    return Duration.ofMillis(milliseconds);
  }
}
