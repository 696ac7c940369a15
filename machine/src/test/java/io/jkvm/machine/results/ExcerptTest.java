// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExcerptTest {
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 4, 5, 9, 10, 11, 12, 17, 100})
  void beginningAndEndAreKeptWhateverThePieces(int length) {
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < length; i++) {
      all.append((char) ('a' + i % 26));
    }
    String expected =
        length <= 11
            ? all.toString()
            : all.substring(0, 4)
                + "\n[... "
                + (length - 11)
                + " bytes are left out ...]\n"
                + all.substring(length - 7);
    byte[] bytes = all.toString().getBytes(StandardCharsets.UTF_8);
    for (int piece = 1; piece <= 40; piece++) {
      Excerpt excerpt = new Excerpt(4, 7);
      for (int at = 0; at < length; at += piece) {
        excerpt.accept(ByteBuffer.wrap(bytes, at, Math.min(piece, length - at)));
      }
      assertEquals(expected, excerpt.text(), "pieces of " + piece);
      assertEquals(length, excerpt.written());
      excerpt.clear();
      assertEquals("", excerpt.text());
    }
  }

  @Test
  void noCharacterIsCut() {
    Excerpt excerpt = new Excerpt(4, 5);
    byte[] bytes = "abcüäöäöäöäöxy".getBytes(StandardCharsets.UTF_8);
    excerpt.accept(bytes, 0, bytes.length);
    assertEquals(
        "abc\n[... " + (bytes.length - 7) + " bytes are left out ...]\nöxy", excerpt.text());
  }

  @Test
  void aLongTextNamesItsWhole() {
    String text = Excerpt.of("ab\ud83d\ude00" + "x".repeat(100) + "yz", 12, "/log");
    assertEquals("ab\n[... 95 characters are left out; all of it: /log ...]\nxxxxxxxyz", text);
  }

  @ParameterizedTest
  @CsvSource(
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "a^[[31mb^[[0mc,abc",
        "a^[[,a",
        "a^[[31,a",
        "a^[,a",
        "a^[(Bb,ab",
        "a^[cb,ab",
        "a^[]0;title^Gb,ab",
        "a^[]0;title^[\\b,ab",
        "a^[]0;title,a",
        "a^[P1$r^[\\b,ab",
        "a^[^[[1mb,ab",
        "a^[[1^[[2mb,ab",
        "a^[[3éb,aéb",
        "a^[ b,a"
      })
  void sequencesOfTerminalsGoWholeOrCut(String text, String rest) {
    String sequences = text.replace("^[", "\u001b").replace("^G", "\u0007");
    assertEquals(rest, PrintableText.withoutSequences(sequences));
  }

  @Test
  void aQuotedLineKeepsItsTabsAndNothingThatMovesTheCursor() {
    assertEquals(
        List.of(" a\tb", "c\\x07", "", "\\u009b1A"),
        PrintableText.lines("\u001b[31m a\tb\rc\u0007\n\n\u009b1A\n"));
  }

  @Test
  void aSequenceWithoutEndHidesOneLineAtMost() {
    assertEquals("a\nnot ok", PrintableText.withoutSequences("a\u001b]0;x\nnot ok"));
    assertEquals(
        "a" + "x".repeat(1000), PrintableText.withoutSequences("a\u001b]" + "x".repeat(1000)));
  }
}
