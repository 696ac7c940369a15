// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.Verdict;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pieces of any size, floods, and noise. */
class KtapParserTest {
  private static final String RUN =
      """
      KTAP version 1
      1..2
        KTAP version 1
        1..2
        ok 1 a\r
        # größer als erwartet
        not ok 2 größer
      not ok 1 suite
      ok 2 last""";

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 64, 10_000})
  void theSplitDoesNotMatter(int size) {
    byte[] bytes = RUN.getBytes(StandardCharsets.UTF_8);
    KtapParser arrays = new KtapParser();
    KtapParser buffers = new KtapParser();
    for (int at = 0; at < bytes.length; at += size) {
      int length = Math.min(size, bytes.length - at);
      arrays.accept(bytes, at, length);
      ByteBuffer piece = ByteBuffer.allocateDirect(length).put(bytes, at, length).flip();
      buffers.accept(piece);
      assertEquals(0, piece.remaining());
    }
    String tree = "fail suite\n  pass a\n  fail größer\npass last\n";
    TestResults results = arrays.finish(EndClass.EXITED);
    assertEquals(tree, Parsed.tree(results));
    assertEquals(tree, Parsed.tree(buffers.finish(EndClass.EXITED)));
    assertEquals("  # größer als erwartet\n", results.cases().get(0).children().get(1).excerpt());
  }

  @Test
  void bytesThatAreNoUtf8AreShown() {
    KtapParser parser = new KtapParser();
    parser.accept("TAP version 13\n# a ".getBytes(StandardCharsets.ISO_8859_1));
    parser.accept(new byte[] {(byte) 0xff, 0, '\n'});
    parser.accept("not ok 1 gr\u00fcn\n".getBytes(StandardCharsets.ISO_8859_1));
    TestCase test = parser.finish(EndClass.EXITED).cases().get(0);
    assertEquals("gr\\xfcn", test.name());
    assertEquals("# a \\xff\0\n", test.excerpt());
  }

  @Test
  void aLongLineIsCut() {
    KtapParser parser = new KtapParser();
    parser.accept("TAP version 13\nok 1 ");
    byte[] some = new byte[1 << 16];
    Arrays.fill(some, (byte) 'x');
    for (int i = 0; i < 1000; i++) {
      parser.accept(some);
    }
    parser.accept("\nnot ok 2 b\n");
    List<TestCase> cases = parser.finish(EndClass.EXITED).cases();
    assertEquals(2, cases.size());
    assertEquals(Verdict.FAIL, cases.get(1).verdict());
  }

  @Test
  void whatATestPrintsIsCutInTheMiddle() {
    KtapParser parser = new KtapParser();
    parser.accept("TAP version 13\n# first\n");
    for (int i = 0; i < 100_000; i++) {
      parser.accept("# line " + i + "\n");
    }
    parser.accept("not ok 1 a\n");
    String excerpt = parser.finish(EndClass.EXITED).cases().get(0).excerpt();
    assertTrue(excerpt.startsWith("# first\n# line 0\n"), excerpt);
    assertTrue(excerpt.endsWith("# line 99999\n"), excerpt);
    assertTrue(excerpt.contains("bytes are left out"), excerpt);
    assertTrue(excerpt.length() < KtapLimits.DEFAULT.excerptBytes() + 100);
  }

  @Test
  void aFloodOfResultsIsBoundedAndItsFailuresCount() {
    KtapLimits limits = new KtapLimits(1000, 100, 1000, 100, 100_000, 8);
    KtapParser parser = new KtapParser(limits);
    parser.accept("TAP version 13\n");
    for (int i = 1; i <= 100_000; i++) {
      parser.accept((i == 70_000 ? "not ok " : "ok ") + i + " name\n");
    }
    TestResults results = parser.finish(EndClass.EXITED);
    assertTrue(results.cut());
    assertEquals(101, results.cases().size());
    TestCase rest = results.cases().get(100);
    assertEquals("99900 more results, which were not kept", rest.name());
    assertEquals(Verdict.FAIL, rest.verdict());
    assertEquals("1 of them bad", rest.reason());
  }

  @Test
  void aFloodInSuitesLosesNoTestThatWasKept() {
    KtapLimits limits = new KtapLimits(1000, 100, 1000, 5, 100_000, 8);
    KtapParser parser = new KtapParser(limits);
    parser.accept("KTAP version 1\n  KTAP version 1\n");
    for (int i = 1; i <= 10; i++) {
      parser.accept("  not ok " + i + " t\n");
    }
    parser.accept("not ok 1 suite\nok 2 other\n");
    List<TestCase> cases = parser.finish(EndClass.EXITED).cases();
    assertEquals(5, cases.get(0).children().size());
    assertEquals("6 more results, which were not kept", cases.get(1).name());
    assertEquals("5 of them bad", cases.get(1).reason());
  }

  @Test
  void textIsBoundedOverAll() {
    KtapLimits limits = new KtapLimits(1000, 100, 1000, 1_000_000, 50_000, 8);
    KtapParser parser = new KtapParser(limits);
    parser.accept("TAP version 13\n");
    for (int i = 1; i <= 10_000; i++) {
      parser.accept("# " + "x".repeat(900) + "\nnot ok " + i + " " + "n".repeat(90) + i + "\n");
    }
    TestResults results = parser.finish(EndClass.EXITED);
    long kept =
        results.cases().stream()
            .mapToLong(test -> test.name().length() + test.excerpt().length())
            .sum();
    assertTrue(kept <= 50_100, "" + kept);
    assertTrue(results.cut());
  }

  @Test
  void noInputIsAnException() {
    Random random = new Random(12);
    String[] parts = {
      "KTAP version 1",
      "1..",
      "ok ",
      "not ok ",
      "# ",
      "  ",
      "\t",
      "Subtest: ",
      "SKIP",
      "\n",
      "\n",
      "---",
      "...",
      "Bail out!",
      "[  1.2] ",
      "<6>",
      "[ T1]",
      "time=",
      "12",
      "\u001b[",
      "\u0000",
      "selftests: a: b",
      " RUN   x ...",
      "exit=4",
      "\\",
      "999999999",
      "-",
      " - ",
      "é",
      "\ud83d\ude00"
    };
    for (int round = 0; round < 3000; round++) {
      StringBuilder text = new StringBuilder(round % 2 == 0 ? "TAP version 13\n" : "");
      for (int i = 0; i < 80; i++) {
        text.append(parts[random.nextInt(parts.length)]);
      }
      for (EndClass end : List.of(EndClass.EXITED, EndClass.PANIC)) {
        TestResults results = Parsed.results(text.toString(), end);
        assertEquals(results.found(), !results.cases().isEmpty(), text.toString());
      }
      byte[] noise = new byte[200];
      random.nextBytes(noise);
      KtapParser parser = new KtapParser();
      parser.accept(noise);
      assertNotNull(parser.finish(EndClass.EXITED));
    }
  }

  /** What is not linear takes hours here. */
  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void patternsDoNotExplode() {
    KtapParser parser = new KtapParser(new KtapLimits(1 << 20, 100, 1000, 1000, 1 << 20, 8));
    int n = 1 << 17;
    for (String unit :
        List.of(" ", "#", "# ", " #", ": ", "]", " ]", "[", "1", "time=", "...", "\t#")) {
      String flood = unit.repeat(n / unit.length());
      for (String start :
          List.of("", "ok 1", "ok 1 a #", "# selftests: a: ", "# RUN   a", "1..3", "# a: ")) {
        parser.accept("TAP version 13\n" + start + flood + "x\n" + start + flood + "\n");
      }
    }
    assertTrue(parser.finish(EndClass.EXITED).found());
  }

  @Test
  void plansThatAreNeverKeptAreBounded() {
    KtapParser parser = new KtapParser(new KtapLimits(1000, 100, 1000, 2000, 100_000, 8));
    for (int i = 0; i < 100_000; i++) {
      parser.accept("TAP version 13\n1..1000\n");
    }
    TestResults results = parser.finish(EndClass.EXITED);
    assertEquals(2001, results.cases().size());
    assertEquals("99998000 more results, which were not kept", results.cases().get(2000).name());
  }

  @Test
  void resultsWithoutAnyTestProtocol() {
    TestResults results = Parsed.results("a\nb\n", EndClass.PANIC);
    assertFalse(results.found());
    assertFalse(results.cut());
  }
}
