// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.util.List;

/** Tells two reports of the same fault from reports of two faults. */
final class Fingerprint {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private Fingerprint() {}

  /**
   * The same value on every run of every kernel that prints the same.
   *
   * @param place the function of the instruction pointer, or empty
   */
  static String of(KernelEventKind kind, String title, String place, List<String> functions) {
    String parts = kind + "\n" + normalise(title) + "\n" + place + "\n" + functions;
    long hash = FNV_OFFSET;
    for (int i = 0; i < parts.length(); i++) {
      hash = (hash ^ parts.charAt(i)) * FNV_PRIME;
    }
    return String.format("%016x", hash);
  }

  /** Without addresses, offsets, process ids and CPUs; the line of a source file stays. */
  static String normalise(String title) {
    StringBuilder result = new StringBuilder(title.length());
    int i = 0;
    while (i < title.length()) {
      int end = number(title, i);
      if (end == i) {
        result.append(title.charAt(i++));
      } else {
        result.append(isSourceLine(title, i) ? title.substring(i, end) : "N");
        i = end;
      }
    }
    return result.toString();
  }

  /** The end of a number that begins there and is no part of a name, else the index itself. */
  private static int number(String title, int start) {
    if (start > 0 && isWord(title.charAt(start - 1))) {
      return start;
    }
    int end = start;
    boolean digit = false;
    boolean plain = true;
    while (end < title.length() && isWord(title.charAt(end))) {
      char c = title.charAt(end);
      digit |= c >= '0' && c <= '9';
      plain &= LogLine.isHex(c) || c == 'x' && end == start + 1;
      end++;
    }
    // "22s" and "f00" are numbers, "dead" and "kmalloc_64" are not.
    boolean seconds =
        end > start + 1
            && title.charAt(end - 1) == 's'
            && title.substring(start, end - 1).chars().allMatch(LogLine::isDigit);
    return digit && plain || seconds ? end : start;
  }

  private static boolean isSourceLine(String title, int start) {
    String before = title.substring(Math.max(0, start - 4), start);
    return before.endsWith(".c:") || before.endsWith(".h:") || before.endsWith(".rs:");
  }

  private static boolean isWord(char c) {
    return c == '_' || Character.isLetterOrDigit(c);
  }

  /**
   * The name in a line of a call trace: " do_thing+0x12/0x34 [module]". Empty for what the unwinder
   * is not sure of ("? "), for marks like {@code <TASK>} and for what merely prints.
   */
  static String function(LogLine line) {
    int start = line.startsWith("kmemleak: ") ? 10 : 0;
    while (line.at(start) == ' ') {
      start++;
    }
    if (line.startsWith("[<", start)) {
      int end = line.indexOf(">] ", start);
      start = end < 0 ? line.length() : end + 3;
    }
    return name(line, start);
  }

  /** The name of a function with an offset that begins there, without what the compiler added. */
  static String name(LogLine line, int start) {
    int end = start;
    while (isSymbol(line.at(end))) {
      end++;
    }
    if (end == start || !line.startsWith("+0x", end)) {
      return "";
    }
    String name = line.text(start, end);
    int suffix = name.indexOf('.', 1);
    name = suffix > 0 ? name.substring(0, suffix) : name;
    return isPrinter(name) ? "" : name;
  }

  private static boolean isSymbol(int b) {
    return b == '_'
        || b == '.'
        || b == '$'
        || b >= 'a' && b <= 'z'
        || b >= 'A' && b <= 'Z'
        || LogLine.isDigit(b);
  }

  private static boolean isPrinter(String name) {
    return switch (name) {
      case "dump_stack",
          "dump_stack_lvl",
          "show_stack",
          "print_report",
          "kasan_report",
          "__warn",
          "report_bug",
          "handle_bug",
          "exc_invalid_op",
          "asm_exc_invalid_op" ->
          true;
      default -> false;
    };
  }
}
