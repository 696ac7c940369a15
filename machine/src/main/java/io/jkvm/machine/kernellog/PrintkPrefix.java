// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

/**
 * What printk puts before a line: on a console a level in angle brackets, the time and the caller,
 * each only if the kernel is told to ("[ 1.234567][ T1] text"); in /dev/kmsg numbers and a
 * semicolon ("4,339,1234567,-;text", Documentation/ABI/testing/dev-kmsg).
 */
final class PrintkPrefix {
  /** How far the clocks of two CPUs may be apart, and more. */
  private static final long SLACK_MICROS = 100_000;

  private static final int FACILITY_SHIFT = 3;
  private static final int MAX_DIGITS = 12;

  private final LogLine line;

  /** The value of the digits that were read last. */
  private long value;

  PrintkPrefix(LogLine line) {
    this.line = line;
  }

  /** Moves the window behind the prefix, if there is one. */
  void strip() {
    int start = line.from;
    if (line.length() == 0) {
      return;
    }
    int first = line.bytes[start];
    if (LogLine.isDigit(first)) {
      record(start);
    } else if (first == '<' || first == '[') {
      console(start);
    }
  }

  /**
   * Looks for a message that begins within the line: behind what a program left unfinished, as a
   * shell's prompt, or behind what the kernel could not finish before it panicked.
   *
   * @param last the time of the last message: an older one is a quotation
   * @return where its time stamp begins, or the end of the line
   */
  int next(long last) {
    for (int i = line.from + 1; i < line.to; i++) {
      if (line.bytes[i] == '[' && stamped(i) && value >= last - SLACK_MICROS) {
        return i;
      }
    }
    return line.to;
  }

  private boolean stamped(int position) {
    int end = stamp(position);
    return end > 0 && end < line.to && (line.bytes[end] == ' ' || line.bytes[end] == '[');
  }

  private void console(int start) {
    int position = start;
    boolean user = false;
    if (line.bytes[position] == '<') {
      int end = digits(position + 1);
      if (end < 0 || end >= line.to || line.bytes[end] != '>') {
        return;
      }
      user = value >> FACILITY_SHIFT != 0;
      position = end + 1;
    }
    boolean marked = false;
    int end = stamp(position);
    if (end > 0) {
      marked = true;
      line.micros = value;
      position = end;
    }
    end = caller(position);
    if (end > 0) {
      marked = true;
      position = end;
    }
    if (marked && position < line.to && line.bytes[position] == ' ') {
      position++;
    }
    line.marked = marked;
    line.userspace = user;
    line.from = position;
  }

  /** Behind "[ 12.345678]" with the microseconds as value, or -1. */
  private int stamp(int start) {
    int position = bracket(start);
    int end = position < 0 ? -1 : digits(position);
    if (end < 0 || end + 7 >= line.to || line.bytes[end] != '.' || line.bytes[end + 7] != ']') {
      return -1;
    }
    long seconds = value;
    if (digits(end + 1) != end + 7) {
      return -1;
    }
    value += seconds * 1_000_000;
    return end + 8;
  }

  /** Behind "[ T12]" or "[ C0]", or -1. */
  private int caller(int start) {
    int position = bracket(start);
    if (position < 0 || line.bytes[position] != 'T' && line.bytes[position] != 'C') {
      return -1;
    }
    int end = digits(position + 1);
    return end > 0 && end < line.to && line.bytes[end] == ']' ? end + 1 : -1;
  }

  /** The first byte behind a bracket and blanks, or -1. */
  private int bracket(int start) {
    if (start >= line.to || line.bytes[start] != '[') {
      return -1;
    }
    int position = start + 1;
    while (position < line.to && line.bytes[position] == ' ') {
      position++;
    }
    return position < line.to ? position : -1;
  }

  /** Behind one digit or more, or -1. */
  private int digits(int start) {
    int position = start;
    value = 0;
    while (position < line.to
        && position - start < MAX_DIGITS
        && LogLine.isDigit(line.bytes[position])) {
      value = value * 10 + line.bytes[position++] - '0';
    }
    return position > start ? position : -1;
  }

  private void record(int start) {
    int position = digits(start);
    long priority = value;
    position = comma(position) ? digits(position + 1) : -1;
    position = comma(position) ? digits(position + 1) : -1;
    if (!comma(position)) {
      return;
    }
    long micros = value;
    while (position < line.to && line.bytes[position] != ';') {
      position++;
    }
    if (position < line.to) {
      line.marked = true;
      line.micros = micros;
      line.userspace = priority >> FACILITY_SHIFT != 0;
      line.escaped = true;
      line.from = position + 1;
    }
  }

  private boolean comma(int position) {
    return position > 0 && position < line.to && line.bytes[position] == ',';
  }
}
