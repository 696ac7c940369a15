// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.PrintableText;
import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.Verdict;
import java.util.List;
import java.util.Optional;

/** What may still be kept of a stream, and what was not. */
final class Budget {
  private final KtapLimits limits;
  private int cases;
  private long text;
  private long dropped;
  private long droppedBad;

  Budget(KtapLimits limits) {
    this.limits = limits;
    this.cases = limits.cases();
    this.text = limits.textCharacters();
  }

  KtapLimits limits() {
    return limits;
  }

  /** The beginning of a name or a reason, in one line. */
  String line(String whole) {
    return PrintableText.forLine(whole, limits.nameCharacters());
  }

  /**
   * The test as it is kept, if it is. A suite of tests that were kept always is, or they would be
   * lost; there are no more such suites than tests.
   */
  Optional<TestCase> keep(TestCase test) {
    boolean suite = !test.children().isEmpty();
    long needed = test.name().length() + test.reason().length();
    if (!suite && (cases == 0 || needed > text)) {
      dropped++;
      droppedBad += test.verdict().isBad() ? 1 : 0;
      return Optional.empty();
    }
    cases -= suite ? 0 : 1;
    text -= needed;
    return Optional.of(keepText(test.excerpt().length()) ? test : test.withExcerpt(""));
  }

  /** Whether another test can be kept. */
  boolean hasRoom() {
    return cases > 0;
  }

  /** That many tests that are not bad are not kept. */
  void drop(int count) {
    dropped += count;
  }

  /** Whether there is room for something that a test printed. */
  boolean keepText(int characters) {
    if (characters > text) {
      return false;
    }
    text -= characters;
    return true;
  }

  boolean cut() {
    return dropped > 0;
  }

  /** One test in place of those that were not kept; none if all were. */
  List<TestCase> rest() {
    if (dropped == 0) {
      return List.of();
    }
    String name = dropped + " more results, which were not kept";
    Verdict verdict = droppedBad > 0 ? Verdict.FAIL : Verdict.PASS;
    return List.of(TestCase.of(name, verdict, droppedBad + " of them bad"));
  }
}
