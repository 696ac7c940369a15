// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Makes text of what a guest printed, such that no reader trips over it: what can't be shown is
 * written as {@code \xNN} (a byte, or a control character) or {@code \\uNNNN}.
 */
public final class PrintableText {
  private static final char ESCAPE = 0x1b;
  private static final char BELL = 0x07;

  /** A terminal's sequences are short; what is longer is text behind a stray introducer. */
  private static final int MAX_SEQUENCE = 256;

  private PrintableText() {}

  /** UTF-8 as text; each byte that is not UTF-8 as {@code \xNN}. */
  public static String decode(byte[] bytes, int from, int to) {
    ByteBuffer in = ByteBuffer.wrap(bytes, from, to - from);
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    CharBuffer out = CharBuffer.allocate(Math.min(to - from, 8192) + 1);
    StringBuilder text = new StringBuilder(to - from);
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      text.append(out.flip());
      out.clear();
      if (result.isUnderflow()) {
        return text.toString();
      }
      if (result.isError()) {
        for (int i = 0; i < result.length(); i++) {
          hex(text, in.get() & 0xff);
        }
      }
    }
  }

  /** All of an array; see {@link #decode(byte[], int, int)}. */
  public static String decode(byte[] bytes) {
    return decode(bytes, 0, bytes.length);
  }

  /** Without a terminal's control sequences (ECMA-48), whole ones and those that were cut. */
  public static String withoutSequences(String text) {
    int next = text.indexOf(ESCAPE);
    if (next < 0) {
      return text;
    }
    StringBuilder kept = new StringBuilder(text.length());
    int from = 0;
    while (next >= 0) {
      kept.append(text, from, next);
      from = sequenceEnd(text, next + 1);
      next = text.indexOf(ESCAPE, from);
    }
    return kept.append(text, from, text.length()).toString();
  }

  /** Where the sequence ends whose introducer is before {@code at}. */
  private static int sequenceEnd(String text, int at) {
    if (at >= text.length()) {
      return at;
    }
    char first = text.charAt(at);
    if (first == '[') {
      return controlSequenceEnd(text, at + 1);
    }
    if (first == ']' || first == 'P' || first == '_' || first == '^' || first == 'X') {
      return stringEnd(text, at + 1);
    }
    int end = at;
    while (end < text.length() && text.charAt(end) >= 0x20 && text.charAt(end) <= 0x2f) {
      end++;
    }
    boolean isFinal = end < text.length() && text.charAt(end) >= 0x30 && text.charAt(end) <= 0x7e;
    return isFinal ? end + 1 : end;
  }

  private static int controlSequenceEnd(String text, int at) {
    int limit = Math.min(text.length(), at + MAX_SEQUENCE);
    int end = at;
    while (end < limit && text.charAt(end) >= 0x20 && text.charAt(end) <= 0x3f) {
      end++;
    }
    boolean isFinal = end < limit && text.charAt(end) >= 0x40 && text.charAt(end) <= 0x7e;
    return isFinal ? end + 1 : end;
  }

  /** A string's end, or its line's if the end is missing: the text behind must not vanish. */
  private static int stringEnd(String text, int at) {
    int limit = Math.min(text.length(), at + MAX_SEQUENCE);
    for (int end = at; end < limit; end++) {
      char c = text.charAt(end);
      if (c == BELL) {
        return end + 1;
      }
      if (c == ESCAPE) {
        return end + 1 < text.length() && text.charAt(end + 1) == '\\' ? end + 2 : end;
      }
      if (c == '\n' || c == '\r') {
        return end;
      }
    }
    return limit == text.length() ? limit : at;
  }

  /** Only what XML 1.0 allows in a document, without a terminal's control sequences. */
  public static String forXml(String text) {
    return escaped(withoutSequences(text).replace("\r\n", "\n"), true);
  }

  /** Only what a terminal shows in one line, at most so many characters. */
  public static String forLine(String text, int maxCharacters) {
    String start = text.substring(0, Math.min(text.length(), 4 * maxCharacters + MAX_SEQUENCE));
    String line = escaped(withoutSequences(start).strip(), false);
    return line.length() <= maxCharacters ? line : line.substring(0, maxCharacters - 1) + "…";
  }

  /**
   * The lines of a text that is quoted on a terminal: no control characters but tabs, and no
   * terminal's control sequences.
   */
  public static List<String> lines(String text) {
    return withoutSequences(text).lines().map(line -> escaped(line, true)).toList();
  }

  /** With each surrogate that has no other half as {@code \\uNNNN}: what any encoder takes. */
  public static String wellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        return surrogatesEscaped(text);
      }
    }
    return text;
  }

  private static String surrogatesEscaped(String text) {
    StringBuilder safe = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        unicode(safe, c);
      } else {
        safe.appendCodePoint(c);
      }
      i += Character.charCount(c);
    }
    return safe.toString();
  }

  private static String escaped(String text, boolean severalLines) {
    StringBuilder safe = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (c < 0x20 && !(severalLines && (c == '\n' || c == '\r' || c == '\t'))) {
        hex(safe, c);
      } else if (c == 0x7f) {
        hex(safe, c);
      } else if (isHidden(c, severalLines)) {
        unicode(safe, c);
      } else {
        safe.appendCodePoint(c);
      }
      i += Character.charCount(c);
    }
    return safe.toString();
  }

  private static boolean isHidden(int c, boolean severalLines) {
    boolean illegal =
        (c >= 0x80 && c <= 0x9f)
            || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)
            || c == 0xfffe
            || c == 0xffff;
    // Marks that turn the direction of a terminal's line would let a name show as another.
    return illegal
        || (!severalLines && c >= 0x80 && Character.getType(c) == Character.FORMAT)
        || (!severalLines && (c == 0x2028 || c == 0x2029));
  }

  private static void hex(StringBuilder to, int b) {
    to.append("\\x")
        .append(Character.forDigit(b >> 4 & 15, 16))
        .append(Character.forDigit(b & 15, 16));
  }

  private static void unicode(StringBuilder to, int c) {
    to.append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      to.append(Character.forDigit(c >> shift & 15, 16));
    }
  }
}
