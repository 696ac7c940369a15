// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.nio.ByteBuffer;

/**
 * The beginning and the end of a stream of bytes of any length, in bounded memory. Not thread-safe.
 */
public final class Excerpt {
  private final byte[] head;
  private final byte[] tail;
  private long written;

  /**
   * An empty one.
   *
   * @param headBytes how much of the beginning to keep
   * @param tailBytes how much of the end to keep, more than none
   */
  public Excerpt(int headBytes, int tailBytes) {
    head = new byte[headBytes];
    tail = new byte[tailBytes];
  }

  /** Takes what comes next, to the buffer's limit. */
  public void accept(ByteBuffer bytes) {
    int inHead =
        written < head.length ? Math.min(bytes.remaining(), head.length - (int) written) : 0;
    bytes.get(head, (int) Math.min(written, head.length), inHead);
    written += inHead;
    if (bytes.remaining() > tail.length) {
      int skipped = bytes.remaining() - tail.length;
      bytes.position(bytes.position() + skipped);
      written += skipped;
    }
    while (bytes.hasRemaining()) {
      int at = (int) ((written - head.length) % tail.length);
      int count = Math.min(bytes.remaining(), tail.length - at);
      bytes.get(tail, at, count);
      written += count;
    }
  }

  /** Takes what comes next. */
  public void accept(byte[] bytes, int from, int length) {
    accept(ByteBuffer.wrap(bytes, from, length));
  }

  /** How many bytes came. */
  public long written() {
    return written;
  }

  /** As if nothing had come. */
  public void clear() {
    written = 0;
  }

  /** What is kept; bytes that are not UTF-8 as {@code \xNN}, and a line where some are left out. */
  public String text() {
    int inHead = (int) Math.min(written, head.length);
    long behind = written - inHead;
    int inTail = (int) Math.min(behind, tail.length);
    byte[] last = new byte[inTail];
    int start = behind > tail.length ? (int) (behind % tail.length) : 0;
    System.arraycopy(tail, start, last, 0, Math.min(inTail, tail.length - start));
    if (start > 0) {
      System.arraycopy(tail, 0, last, tail.length - start, start);
    }
    if (behind == inTail) {
      byte[] all = new byte[inHead + inTail];
      System.arraycopy(head, 0, all, 0, inHead);
      System.arraycopy(last, 0, all, inHead, inTail);
      return PrintableText.decode(all);
    }
    // A character may be cut at both ends of the gap.
    int headEnd = wholeCharacters(head, inHead);
    int tailStart = 0;
    while (tailStart < Math.min(3, inTail) && (last[tailStart] & 0xc0) == 0x80) {
      tailStart++;
    }
    long left = behind - inTail + (inHead - headEnd) + tailStart;
    return PrintableText.decode(head, 0, headEnd)
        + gap(left + " bytes are left out")
        + PrintableText.decode(last, tailStart, inTail);
  }

  /** How many of the bytes do not belong to a character of UTF-8 that is cut at the end. */
  public static int wholeCharacters(byte[] bytes, int length) {
    for (int back = 1; back <= Math.min(3, length); back++) {
      int b = bytes[length - back] & 0xff;
      if (b >= 0xc0) {
        int needed = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
        return needed > back ? length - back : length;
      }
      if (b < 0x80) {
        return length;
      }
    }
    return length;
  }

  /**
   * The beginning and the end of a long text.
   *
   * @param maxCharacters how much of it to keep
   * @param whole where all of it is, for the reader; may be empty
   */
  static String of(String text, int maxCharacters, String whole) {
    if (text.length() <= maxCharacters) {
      return text;
    }
    int headEnd = maxCharacters / 4;
    int tailStart = text.length() - (maxCharacters - headEnd);
    if (Character.isLowSurrogate(text.charAt(headEnd))) {
      headEnd--;
    }
    if (Character.isLowSurrogate(text.charAt(tailStart))) {
      tailStart++;
    }
    String left = (tailStart - headEnd) + " characters are left out";
    return text.substring(0, headEnd)
        + gap(whole.isEmpty() ? left : left + "; all of it: " + whole)
        + text.substring(tailStart);
  }

  private static String gap(String facts) {
    return "\n[... " + facts + " ...]\n";
  }
}
