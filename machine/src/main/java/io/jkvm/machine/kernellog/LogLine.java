// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.nio.charset.StandardCharsets;

/**
 * A window on one line of the log: the bytes after the kernel's prefix, and what the prefix told.
 * One object serves for all lines; the bytes are valid only while the line is looked at.
 */
final class LogLine {
  static final int MAX_TITLE = 200;

  /** The array that holds the line. */
  byte[] bytes = new byte[0];

  int from;
  int to;

  /** A time stamp or a caller stands before it: it passed through printk. */
  boolean marked;

  /** From the time stamp, -1 without one. */
  long micros;

  /** Written by a program through /dev/kmsg, where the format of the log tells. */
  boolean userspace;

  /** Bytes are escaped as in /dev/kmsg. */
  boolean escaped;

  /** Where it is in the log. */
  long number;

  long offset;

  void set(byte[] array, int begin, int end) {
    bytes = array;
    from = begin;
    to = end;
    while (to > from && bytes[to - 1] == '\r') {
      to--;
    }
    while (from < to && bytes[from] == '\r') {
      from++;
    }
    marked = false;
    micros = -1;
    userspace = false;
    escaped = false;
  }

  int length() {
    return to - from;
  }

  /** The byte at an index of the text, 0 beyond its end. */
  int at(int index) {
    return from + index < to ? bytes[from + index] : 0;
  }

  boolean startsWith(String word) {
    return startsWith(word, 0);
  }

  boolean startsWith(String word, int index) {
    if (length() - index < word.length()) {
      return false;
    }
    for (int i = 0; i < word.length(); i++) {
      if (bytes[from + index + i] != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  boolean contains(String word) {
    return indexOf(word, 0) >= 0;
  }

  /** The first index from there on, or -1. */
  int indexOf(String word, int index) {
    char first = word.charAt(0);
    int last = length() - word.length();
    for (int i = index; i <= last; i++) {
      if (bytes[from + i] == first && startsWith(word, i)) {
        return i;
      }
    }
    return -1;
  }

  /** The last index, or -1. */
  int lastIndexOf(String word) {
    for (int i = length() - word.length(); i >= 0; i--) {
      if (startsWith(word, i)) {
        return i;
      }
    }
    return -1;
  }

  boolean isBlank() {
    for (int i = from; i < to; i++) {
      if (bytes[i] != ' ' && bytes[i] != '\t') {
        return false;
      }
    }
    return true;
  }

  /** Decoded, harmless on a terminal. */
  String text(int begin, int end) {
    byte[] copy = new byte[Math.max(0, end - begin)];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = harmless(bytes[from + begin + i]);
    }
    return new String(copy, StandardCharsets.UTF_8);
  }

  String title() {
    int end = length();
    while (end > 0 && at(end - 1) == ' ') {
      end--;
    }
    return text(0, Math.min(end, MAX_TITLE));
  }

  static byte harmless(byte b) {
    return b >= 0 && b < ' ' && b != '\t' || b == 0x7f ? (byte) '?' : b;
  }

  static boolean isDigit(int b) {
    return b >= '0' && b <= '9';
  }

  static boolean isHex(int b) {
    return isDigit(b) || b >= 'a' && b <= 'f';
  }
}
