// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The tests of one suite, while they come. A suite's output may hold several documents one behind
 * the other, each with its own plan and numbers: a script that runs two test programs.
 */
final class KtapLevel {
  /** More tests than this that were not run are one entry. */
  private static final int MAX_NOT_RUN = 1000;

  private final Budget budget;
  private final List<TestCase> children = new ArrayList<>();
  private final Map<Integer, TestCase> numbers = new HashMap<>();

  /** In place of what was printed, where that is the next test's. */
  private final Pending nothing = new Pending(4);

  private int column;

  /** From "# Subtest:"; the suite's result has the name as well, if it comes. */
  private String name = "";

  /** There was a line that says that tests are to come. */
  private boolean headed;

  private int plan = -1;
  private boolean planSkips;
  private String planReason = "";
  private int results;

  /** The test that has begun, and the one that probably runs. */
  private String running = "";

  private String hint = "";
  private String bailOut;

  KtapLevel(int column, Budget budget) {
    this.column = column;
    this.budget = budget;
  }

  int column() {
    return column;
  }

  void moveTo(int otherColumn) {
    column = otherColumn;
  }

  String name() {
    return name;
  }

  void called(String suite) {
    name = budget.line(suite);
    headed = true;
  }

  boolean headed() {
    return headed;
  }

  /** Results of the document so far, also those that are not kept. */
  int results() {
    return results;
  }

  boolean isEmpty() {
    return children.isEmpty() && results == 0;
  }

  /** Whether there was a whole document, so that what comes belongs to the next one. */
  boolean isBehindDocument() {
    return isComplete() || (results == 0 && !children.isEmpty());
  }

  boolean isComplete() {
    return plan >= 0 && results >= plan;
  }

  /** Which test has begun, by a line that says so; empty if that is not known. */
  String running() {
    return running;
  }

  void begins(String test) {
    running = budget.line(test);
  }

  void mayRun(String test) {
    hint = budget.line(test);
  }

  void bailsOut(String reason) {
    bailOut = budget.line(reason);
  }

  /** A version line: the first document, or the next one. */
  void version() {
    if (plan >= 0 || results > 0) {
      endDocument(MissingResult.LOST, nothing);
    }
    headed = true;
  }

  /** A plan, before the results or behind them. */
  void plan(KtapLine line) {
    if (plan >= 0) {
      endDocument(MissingResult.LOST, nothing);
    }
    headed = true;
    plan = line.number();
    planSkips = line.positive();
    planReason = budget.line(line.text());
  }

  /** The whole plan was to skip all. */
  boolean skipsAll() {
    return planSkips;
  }

  /**
   * A result. A line that is there twice, as in a summary at the end, counts once.
   *
   * @param number of the test, or -1
   */
  void add(int number, TestCase test) {
    running = "";
    hint = "";
    TestCase before = number < 0 ? null : numbers.get(number);
    if (before != null && before.name().equals(test.name()) && before.verdict() == test.verdict()) {
      return;
    }
    results++;
    if (keep(test) && number >= 0) {
      numbers.putIfAbsent(number, test);
    }
  }

  /** The results of tests whose suite was not named, or of a document inside. */
  void adopt(KtapLevel inner) {
    children.addAll(inner.children);
    results += inner.results;
  }

  private boolean keep(TestCase test) {
    Optional<TestCase> kept = budget.keep(test);
    kept.ifPresent(children::add);
    return kept.isPresent();
  }

  /** The last test, which something more is known of. */
  void amendLast(String excerpt) {
    int last = children.size() - 1;
    if (last >= 0 && children.get(last).verdict().isBad() && budget.keepText(excerpt.length())) {
      TestCase test = children.get(last);
      children.set(last, test.withExcerpt(test.excerpt() + excerpt));
    }
  }

  /**
   * No more results of this document.
   *
   * @param ending what became of the tests without a result
   * @param excerpt what the test printed that has none
   */
  void endDocument(MissingResult ending, Pending excerpt) {
    MissingResult why = bailOut == null ? ending : MissingResult.bailOut(bailOut);
    int missing = Math.max(plan, 0) - results;
    if (missing > 0) {
      addMissing(missing, why, excerpt);
    } else if (!running.isEmpty() || (bailOut != null && plan < 0)) {
      addFirstMissing(running.isEmpty() ? "test " + (results + 1) : running, why, excerpt);
    }
    plan = -1;
    results = 0;
    numbers.clear();
    running = "";
    hint = "";
    bailOut = null;
  }

  private void addMissing(int count, MissingResult why, Pending excerpt) {
    boolean numbered = numbers.size() == results;
    int number = 0;
    int left = count;
    while (left > 0) {
      number++;
      if (numbered ? numbers.containsKey(number) : number <= results) {
        continue;
      }
      if (left == count) {
        String known = running.isEmpty() ? hint : running;
        addFirstMissing(known.isEmpty() ? "test " + number : known, why, excerpt);
      } else if (!budget.hasRoom()) {
        budget.drop(left);
        return;
      } else if (left > MAX_NOT_RUN) {
        keep(TestCase.of(left + " more tests", Verdict.NOT_RUN, ""));
        return;
      } else {
        keep(TestCase.of("test " + number, Verdict.NOT_RUN, ""));
      }
      left--;
    }
  }

  private void addFirstMissing(String test, MissingResult why, Pending excerpt) {
    String printed = why.verdict().isBad() ? excerpt.take() : "";
    keep(new TestCase(test, why.verdict(), why.reason(), Optional.empty(), printed, List.of()));
  }

  /** The tests, once the level is at its end. */
  List<TestCase> children() {
    return children;
  }

  String planReason() {
    return planReason;
  }
}
