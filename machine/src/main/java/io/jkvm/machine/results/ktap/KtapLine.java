// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.PrintableText;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A line of the protocol.
 *
 * @param kind what it is
 * @param column where it begins, which says how deep it is; a comment's "# " counts as two columns
 * @param inComment whether it stands in a comment, as kselftest's runner prints what a test printed
 * @param number of a plan: how many tests; of a result: which test, or -1 where it has no number
 * @param text of a plan: why all are skipped; of a result: all behind its number; else a name
 * @param positive of a result: "ok"; of a plan: with a SKIP directive
 */
record KtapLine(
    Kind kind, int column, boolean inComment, int number, String text, boolean positive) {
  /** The kinds of lines. */
  enum Kind {
    /** "KTAP version 1": tests begin. */
    VERSION,
    /** "1..3": how many. */
    PLAN,
    /** "ok 1 name". */
    RESULT,
    /** "# Subtest: name": what the tests below or behind it belong to. */
    SUBTEST,
    /** A comment that says which test begins: kselftest's runner, or its harness. */
    RUNNING,
    /** "# name: message", indented as KUnit does it: probably the test that runs. */
    HINT,
    /** "Bail out!": no more tests. */
    BAIL,
    /** Anything else. */
    OTHER
  }

  private static final int MAX_COMMENTS = 4;
  private static final int TAB = 8;

  private static final Pattern PRINTK =
      Pattern.compile(
          "(?:<\\d{1,3}>)?(?:\\[ {0,10}\\d{1,10}\\.\\d{1,9}\\] ?)(?:\\[ *[TC]\\d{1,10}\\] ?)?");
  private static final Pattern LEVEL = Pattern.compile("<\\d{1,3}>");
  private static final Pattern VERSION = Pattern.compile("K?TAP version \\d+\\s*");
  private static final Pattern PLAN =
      Pattern.compile("(?s)1\\.\\.(\\d{1,9})(?:\\s*#\\s*(.*))?\\s*");
  private static final Pattern RESULT =
      Pattern.compile("(?s)(not )?ok(?:[ \\t]+(\\d{1,9})(?=[ \\t]|$)|(?=[ \\t]+-[ \\t]))(.*)");
  private static final Pattern SUBTEST = Pattern.compile("(?s)# ?Subtest: ?(.*)");
  private static final Pattern SELFTEST =
      Pattern.compile("(?s)# (selftests: \\S+: .*[^\\]\\s])\\s*");
  private static final Pattern HARNESS =
      Pattern.compile("(?s)# {1,4}RUN {2,20}(\\S.*) \\.\\.\\.\\s*");
  private static final Pattern HINT = Pattern.compile("(?s)# (\\w{1,200}): .*");

  /** What a line is. Never fails. */
  static KtapLine parse(String raw) {
    String line = raw.indexOf(0x1b) < 0 ? raw : PrintableText.withoutSequences(raw);
    int at = 0;
    Matcher printk = PRINTK.matcher(line);
    if (printk.lookingAt()) {
      at = printk.end();
    } else {
      Matcher level = LEVEL.matcher(line);
      at = level.lookingAt() ? level.end() : 0;
    }
    int column = 0;
    boolean inComment = false;
    for (int comments = 0; comments <= MAX_COMMENTS; comments++) {
      while (at < line.length() && (line.charAt(at) == ' ' || line.charAt(at) == '\t')) {
        column = line.charAt(at) == '\t' ? (column / TAB + 1) * TAB : column + 1;
        at++;
      }
      KtapLine found = content(line.substring(at), column, inComment);
      if (found.kind != Kind.OTHER || at >= line.length() || line.charAt(at) != '#') {
        return found;
      }
      at++;
      column += 2;
      inComment = true;
      if (at < line.length() && line.charAt(at) == ' ') {
        at++;
      }
    }
    return other(column);
  }

  private static KtapLine content(String text, int column, boolean inComment) {
    if (text.startsWith("#")) {
      return comment(text, column, inComment);
    }
    Matcher result = RESULT.matcher(text);
    if (result.matches()) {
      int number = result.group(2) == null ? -1 : Integer.parseInt(result.group(2));
      boolean positive = result.group(1) == null;
      return new KtapLine(Kind.RESULT, column, inComment, number, result.group(3), positive);
    }
    Matcher plan = PLAN.matcher(text);
    if (plan.matches()) {
      String directive = plan.group(2) == null ? "" : plan.group(2).strip();
      boolean skip = directive.regionMatches(true, 0, "SKIP", 0, 4);
      String why = skip ? directive.replaceFirst("\\S+\\s*", "") : directive;
      return new KtapLine(Kind.PLAN, column, inComment, Integer.parseInt(plan.group(1)), why, skip);
    }
    if (VERSION.matcher(text).matches()) {
      return new KtapLine(Kind.VERSION, column, inComment, -1, "", true);
    }
    if (text.startsWith("Bail out!")) {
      return new KtapLine(Kind.BAIL, column, inComment, -1, text.substring(9).strip(), false);
    }
    return other(column);
  }

  private static KtapLine comment(String text, int column, boolean inComment) {
    Matcher subtest = SUBTEST.matcher(text);
    if (subtest.matches()) {
      String name = subtest.group(1).strip();
      return new KtapLine(Kind.SUBTEST, column, inComment, -1, name, true);
    }
    Matcher running = SELFTEST.matcher(text);
    if (running.matches() || (running = HARNESS.matcher(text)).matches()) {
      return new KtapLine(Kind.RUNNING, column, inComment, -1, running.group(1).strip(), true);
    }
    Matcher hint = HINT.matcher(text);
    if (column > 0 && !inComment && hint.matches() && !text.contains("pass:")) {
      return new KtapLine(Kind.HINT, column, inComment, -1, hint.group(1), true);
    }
    return other(column);
  }

  private static KtapLine other(int column) {
    return new KtapLine(Kind.OTHER, column, false, -1, "", false);
  }

  /**
   * Whether a line can be one of the protocol, by its first letters: most of a command's output
   * can't, and is not made a string.
   */
  static boolean isCandidate(byte[] bytes, int from, int to) {
    int at = from;
    boolean inBrackets = false;
    while (at < to) {
      int b = bytes[at++];
      if (inBrackets) {
        inBrackets = b != ']' && b != '>';
      } else if (b == '[' || b == '<') {
        inBrackets = true;
      } else if (b != ' ' && b != '\t') {
        int c = at < to ? bytes[at] : 0;
        return switch (b) {
          case 'o' -> c == 'k';
          case 'n' -> c == 'o';
          case 'K' -> c == 'T';
          case 'T' -> c == 'A';
          case 'B' -> c == 'a';
          case '1' -> c == '.';
          default -> b == '#' || b == 0x1b;
        };
      }
    }
    return false;
  }
}
