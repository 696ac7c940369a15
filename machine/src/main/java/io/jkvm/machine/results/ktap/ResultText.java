// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.Verdict;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What stands behind the number of a result: a name, perhaps, and a directive or a comment.
 *
 * @param name empty if it has none
 * @param reason behind the directive, or the whole comment
 */
record ResultText(String name, Verdict verdict, String reason, Optional<Duration> time) {
  private static final Pattern DIRECTIVE =
      Pattern.compile(
          "(?:^|[ \\t])#[ \\t]*((?i:SKIP)(?=\\S{0,8}(?:[ \\t]|$))"
              + "|(?i:TODO)(?=[ \\t:]|$)|(?:XFAIL|TIMEOUT|ERROR)(?=[ \\t:]|$))\\S*");
  private static final Pattern COMMENT = Pattern.compile("(?:^|[ \\t])#[ \\t]");
  private static final Pattern TIME =
      Pattern.compile("\\btime=(\\d{1,12})(?:\\.(\\d{1,9})\\d*)?(ns|us|ms|s)?\\b");
  private static final Pattern EXIT = Pattern.compile("(?s)exit=(\\d{1,3})\\b.*");

  /** kselftest's status for "skipped", and timeout(1)'s; nowhere else do they mean this. */
  private static final String SKIPPED = "4";

  private static final String TIMED_OUT = "124";

  static ResultText parse(String text, boolean ok) {
    Verdict plain = ok ? Verdict.PASS : Verdict.FAIL;
    Matcher directive = DIRECTIVE.matcher(text);
    if (directive.find()) {
      String reason = text.substring(directive.end()).strip();
      Verdict verdict =
          switch (Character.toUpperCase(directive.group(1).charAt(1))) {
            case 'K' -> Verdict.SKIP;
            case 'F' -> Verdict.XFAIL;
            case 'I' -> Verdict.TIMEOUT;
            case 'R' -> Verdict.ERROR;
            default -> ok ? Verdict.PASS : Verdict.XFAIL;
          };
      return new ResultText(
          name(text.substring(0, directive.start())), verdict, reason, time(reason));
    }
    int comment = lastComment(text);
    if (comment < 0) {
      return new ResultText(name(text), plain, "", Optional.empty());
    }
    String name = name(text.substring(0, comment));
    String reason = text.substring(comment).strip().substring(1).strip();
    return new ResultText(name, kselftest(name, reason, plain), reason, time(reason));
  }

  /** Where the comment begins; "#" inside a word, or escaped, is the name's. */
  private static int lastComment(String text) {
    int last = -1;
    Matcher comment = COMMENT.matcher(text);
    while (comment.find()) {
      last = comment.start();
    }
    return last;
  }

  private static Verdict kselftest(String name, String reason, Verdict plain) {
    Matcher exit = EXIT.matcher(reason);
    if (plain == Verdict.FAIL && name.startsWith("selftests: ") && exit.matches()) {
      return switch (exit.group(1)) {
        case SKIPPED -> Verdict.SKIP;
        case TIMED_OUT -> Verdict.TIMEOUT;
        default -> plain;
      };
    }
    return plain;
  }

  private static String name(String text) {
    String name = text.strip();
    if (name.equals("-")) {
      return "";
    }
    name = name.startsWith("- ") || name.startsWith("-\t") ? name.substring(2).strip() : name;
    return name.replace("\\#", "#");
  }

  private static Optional<Duration> time(String comment) {
    Matcher time = TIME.matcher(comment);
    if (!time.find()) {
      return Optional.empty();
    }
    String fraction = time.group(2) == null ? "" : time.group(2);
    String unit = time.group(3) == null ? "s" : time.group(3);
    int digits =
        switch (unit) {
          case "ns" -> 0;
          case "us" -> 3;
          case "ms" -> 6;
          default -> 9;
        };
    String nanos = (fraction + "0".repeat(9)).substring(0, digits);
    return Optional.of(
        Duration.ofNanos(nanos.isEmpty() ? 0 : Long.parseLong(nanos))
            .plus(whole(Long.parseLong(time.group(1)), unit)));
  }

  private static Duration whole(long count, String unit) {
    return switch (unit) {
      case "ns" -> Duration.ofNanos(count);
      case "us" -> Duration.ofSeconds(count / 1_000_000, count % 1_000_000 * 1_000);
      case "ms" -> Duration.ofMillis(count);
      default -> Duration.ofSeconds(count);
    };
  }
}
