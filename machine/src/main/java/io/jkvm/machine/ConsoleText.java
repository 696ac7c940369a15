// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import java.nio.charset.StandardCharsets;

/**
 * Console output as text, which knows at which byte each character begins, so that a match in the
 * text is a position in the output. What is no UTF-8 becomes U+FFFD, a byte each; a character whose
 * last bytes are still to come is left out.
 */
final class ConsoleText {
  private static final char REPLACEMENT = '\ufffd';

  private final StringBuilder text = new StringBuilder();
  private final int[] starts;
  private final int end;

  ConsoleText(byte[] bytes) {
    starts = new int[bytes.length + 1];
    int at = 0;
    while (at < bytes.length) {
      int length = sequenceLength(bytes[at]);
      int there = continuation(bytes, at, length);
      if (there < length && at + there == bytes.length) {
        break; // the rest is still to come
      }
      if (there < length) {
        append(String.valueOf(REPLACEMENT), at);
        at++;
      } else {
        append(new String(bytes, at, length, StandardCharsets.UTF_8), at);
        at += length;
      }
    }
    end = at;
  }

  private void append(String character, int at) {
    for (int i = 0; i < character.length(); i++) {
      starts[text.length() + i] = at;
    }
    text.append(character);
  }

  /** How many bytes a character has that begins so; 0 if none does. */
  private static int sequenceLength(byte lead) {
    int bits = lead & 0xff;
    if (bits < 0x80) {
      return 1;
    }
    return bits < 0xc2 ? Integer.MAX_VALUE : bits < 0xe0 ? 2 : bits < 0xf0 ? 3 : 4;
  }

  /** How many bytes of a sequence are there, of those that it should have. */
  private static int continuation(byte[] bytes, int at, int length) {
    if (length == Integer.MAX_VALUE) {
      return 0;
    }
    int there = 1;
    while (there < length && at + there < bytes.length && (bytes[at + there] & 0xc0) == 0x80) {
      there++;
    }
    return there;
  }

  @Override
  public String toString() {
    return text.toString();
  }

  /** The byte at which a character begins, or behind the last. */
  int byteOf(int character) {
    return character < text.length() ? starts[character] : end;
  }
}
