// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import io.jkvm.machine.spec.LinkSpec;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The options of a card that make its link worse than perfect: rate, loss, delay and seed. */
final class LinkOption {
  private static final Pattern RATE = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,9})?)([KMGkmg]?)");
  private static final Pattern LOSS = Pattern.compile("[01](\\.\\d{1,12})?|\\.\\d{1,12}");
  private static final Pattern DELAY = Pattern.compile("(\\d{1,9})(us|ms|s)");
  private static final BigDecimal MAX_RATE = new BigDecimal("1e12");
  private static final Duration MAX_DELAY = Duration.ofSeconds(10);

  private LinkOption() {}

  /**
   * Takes the options of a link out of those of a card.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static LinkSpec of(Map<String, String> options) {
    OptionalLong rate = OptionalLong.empty();
    if (options.containsKey("rate")) {
      rate = OptionalLong.of(parseRate(options.get("rate")));
    }
    OptionalLong seed = OptionalLong.empty();
    if (options.containsKey("seed")) {
      seed = OptionalLong.of(parseSeed(options.get("seed")));
    }
    return new LinkSpec(
        rate,
        parseLoss(options.getOrDefault("loss", "0")),
        parseDelay(options.getOrDefault("delay", "0s")),
        seed);
  }

  private static long parseRate(String text) {
    Matcher matcher = RATE.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "rate '" + text + "' is not a number of bits per second; write 64K, 100M or 2.5G");
    }
    int exponent = "KMG".indexOf(matcher.group(2).toUpperCase(Locale.ROOT));
    BigDecimal rate =
        new BigDecimal(matcher.group(1))
            .scaleByPowerOfTen(matcher.group(2).isEmpty() ? 0 : 3 * (exponent + 1));
    if (rate.compareTo(BigDecimal.ONE) < 0) {
      throw new IllegalArgumentException(
          "rate=" + text + " lets nothing through; give at least 1, or leave it out for no limit");
    }
    if (rate.compareTo(MAX_RATE) > 0) {
      throw new IllegalArgumentException(
          "rate=" + text + " is more than 1000G; leave it out for no limit");
    }
    return rate.longValue();
  }

  private static double parseLoss(String text) {
    double loss = LOSS.matcher(text).matches() ? Double.parseDouble(text) : 2;
    if (loss > 1) {
      throw new IllegalArgumentException(
          "loss '" + text + "' is not a share from 0 to 1; write 0.01 for one frame in a hundred");
    }
    return loss;
  }

  private static Duration parseDelay(String text) {
    Matcher matcher = DELAY.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("delay '" + text + "' is not a time; write 500us or 5ms");
    }
    long number = Long.parseLong(matcher.group(1));
    Duration delay =
        switch (matcher.group(2)) {
          case "us" -> Duration.ofNanos(number * 1000);
          case "ms" -> Duration.ofMillis(number);
          default -> Duration.ofSeconds(number);
        };
    if (delay.compareTo(MAX_DELAY) > 0) {
      throw new IllegalArgumentException("delay=" + text + " is more than 10s; give less");
    }
    return delay;
  }

  private static long parseSeed(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "seed '" + text + "' is not a whole number of 64 bits; write seed=42", e);
    }
  }
}
