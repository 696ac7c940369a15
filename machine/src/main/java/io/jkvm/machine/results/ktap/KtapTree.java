// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Puts results into their suites, by the columns that lines begin at. The result of a suite comes
 * behind those of its tests; a suite whose own result is missing is an error.
 */
final class KtapTree {
  private final Budget budget;

  /** In place of what was printed, where that is the next test's. */
  private final Pending nothing = new Pending(4);

  /** From the outermost to the innermost, by growing columns; empty before the first test. */
  private final List<KtapLevel> levels = new ArrayList<>();

  private final RepeatedResults repeated;

  /** Where the last result is, for what is printed behind it. */
  private KtapLevel last;

  private boolean versioned;
  private boolean anyResult;
  private boolean skipsAll;
  private String skipReason = "";

  KtapTree(Budget budget) {
    this.budget = budget;
    this.repeated = new RepeatedResults(Math.min(budget.limits().cases(), 10_000));
  }

  boolean started() {
    return !levels.isEmpty();
  }

  /**
   * Whether tests can begin with this line: with a version; without one, only with what hardly
   * stands in other output.
   */
  private static boolean canStart(KtapLine line) {
    return switch (line.kind()) {
      case VERSION -> true;
      case PLAN -> line.column() == 0;
      case RESULT -> line.column() == 0 && line.number() == 1;
      default -> false;
    };
  }

  /**
   * Takes a line.
   *
   * @param excerpt what came since the last result
   * @return whether the line is part of the tree; else it is only something that was printed
   */
  boolean accept(KtapLine line, Pending excerpt) {
    if (levels.isEmpty()) {
      if (!canStart(line)) {
        return false;
      }
      levels.add(new KtapLevel(line.column(), budget));
    }
    if (levels.size() >= budget.limits().depth() && line.column() > top().column()) {
      return false;
    }
    switch (line.kind()) {
      case VERSION -> version(line);
      case PLAN -> plan(line);
      case RESULT -> result(line, excerpt);
      case SUBTEST -> subtest(line);
      case RUNNING -> levelAt(line).begins(line.text());
      case HINT -> top().mayRun(line.text());
      case BAIL -> levelAt(line).bailsOut(line.text());
      default -> {
        return false;
      }
    }
    return line.kind() != KtapLine.Kind.HINT && line.kind() != KtapLine.Kind.BAIL;
  }

  /** What stands behind a result and belongs to it. */
  void amendLast(String excerpt) {
    if (last != null) {
      last.amendLast(excerpt);
    }
  }

  private KtapLevel top() {
    return levels.get(levels.size() - 1);
  }

  /** The innermost level that is not deeper than the line; deeper ones are left as they are. */
  private KtapLevel levelAt(KtapLine line) {
    for (int i = levels.size() - 1; i > 0; i--) {
      if (levels.get(i).column() <= line.column()) {
        return levels.get(i);
      }
    }
    return levels.get(0);
  }

  private void version(KtapLine line) {
    versioned = true;
    enter(line.column()).version();
  }

  private void plan(KtapLine line) {
    KtapLevel level = enter(line.column());
    level.plan(line);
    if (level == levels.get(0) && line.positive() && line.number() == 0) {
      skipsAll = true;
      skipReason = level.planReason();
    }
  }

  private void subtest(KtapLine line) {
    KtapLevel level = enter(line.column());
    if (level == levels.get(0)) {
      // TAP 14 puts the name beside its parent's results.
      level.begins(line.text());
    } else if (level.isEmpty() && level.name().isEmpty() && level.running().isEmpty()) {
      level.called(line.text());
    } else if (level.isBehindDocument()
        && !level.name().isEmpty()
        && !level.name().equals(line.text())) {
      // The suite before this one got no result.
      closeDeeperThan(line.column() - 1);
      enter(line.column()).called(line.text());
    } else {
      level.begins(line.text());
    }
  }

  /** The level at a column: deeper ones end there, without the results of their suites. */
  private KtapLevel enter(int column) {
    closeDeeperThan(column);
    if (top().column() < column) {
      levels.add(new KtapLevel(column, budget));
    } else if (top().column() > column) {
      top().moveTo(column);
    }
    return top();
  }

  private void closeDeeperThan(int column) {
    while (levels.size() > 1 && top().column() > column) {
      KtapLevel inner = levels.remove(levels.size() - 1);
      orphan(inner, top(), MissingResult.LOST, MissingResult.LOST, nothing);
    }
  }

  private void result(KtapLine line, Pending excerpt) {
    anyResult = true;
    if (line.column() < levels.get(0).column()) {
      // What came first was nested, and the line that says so was lost.
      levels.add(0, new KtapLevel(line.column(), budget));
    }
    ResultText text = ResultText.parse(line.text(), line.positive());
    MissingResult ending = MissingResult.of(text.verdict(), text.reason());
    KtapLevel inner = null;
    while (levels.size() > 1 && top().column() > line.column()) {
      KtapLevel next = levels.remove(levels.size() - 1);
      if (inner != null) {
        join(inner, next, ending);
      }
      inner = next;
    }
    if (top().column() < line.column()) {
      levels.add(new KtapLevel(line.column(), budget));
    }
    KtapLevel level = top();
    if (inner != null) {
      inner.endDocument(ending, nothing);
    }
    TestCase test = test(line, text, level, inner, excerpt);
    repeated.add(test);
    level.add(line.number(), test);
    last = level;
    excerpt.clear();
  }

  /** Tests that are deeper than their header, or that belong to a suite without a result. */
  private void join(KtapLevel inner, KtapLevel outer, MissingResult ending) {
    if (outer.results() == 0 && !inner.headed()) {
      outer.adopt(inner);
    } else {
      orphan(inner, outer, ending, ending, nothing);
    }
  }

  private TestCase test(
      KtapLine line, ResultText text, KtapLevel level, KtapLevel inner, Pending excerpt) {
    List<TestCase> children = inner == null ? List.of() : inner.children();
    Verdict verdict = text.verdict();
    String reason = text.reason();
    if (inner != null && children.isEmpty() && inner.headed() && verdict == Verdict.PASS) {
      verdict = inner.skipsAll() ? Verdict.SKIP : Verdict.NO_TESTS;
      reason = inner.planReason();
    }
    if (verdict == Verdict.PASS || verdict == Verdict.SKIP) {
      Verdict worst = worst(children, verdict);
      reason = worst == verdict ? reason : "it said " + verdict.word() + ", a test in it did not";
      verdict = worst;
    }
    String name = budget.line(text.name());
    if (name.isEmpty()) {
      name = level.running();
    }
    if (name.isEmpty()) {
      name = "test " + (line.number() < 0 ? level.results() + 1 : line.number());
    }
    String printed = verdict.isBad() ? excerpt.text() : "";
    return new TestCase(name, verdict, budget.line(reason), text.time(), printed, children);
  }

  private static Verdict worst(List<TestCase> children, Verdict own) {
    Verdict worst = own;
    for (TestCase child : children) {
      if (child.verdict() == Verdict.ERROR) {
        return Verdict.ERROR;
      }
      if (child.verdict().isBad()) {
        worst = Verdict.FAIL;
      }
    }
    return worst;
  }

  /**
   * A suite that has no result of its own.
   *
   * @param tests what became of tests in it that have no result
   * @return whether it was running; not so for what only repeats results
   */
  private boolean orphan(
      KtapLevel inner,
      KtapLevel outer,
      MissingResult ending,
      MissingResult tests,
      Pending excerpt) {
    boolean summary = !inner.headed() && outer.isComplete();
    inner.endDocument(tests, excerpt);
    List<TestCase> children = inner.children();
    boolean named = !inner.name().isEmpty() || !outer.running().isEmpty();
    if (summary && repeated.all(children)) {
      return false;
    }
    if (!inner.headed() && !named && children.isEmpty()) {
      return false;
    }
    String name = outer.running().isEmpty() ? inner.name() : outer.running();
    name = name.isEmpty() ? "test " + (outer.results() + 1) : name;
    Verdict verdict = inner.headed() || named ? ending.verdict() : worst(children, Verdict.PASS);
    if (verdict == Verdict.NOT_RUN && !children.isEmpty()) {
      verdict = worst(children, Verdict.SKIP);
    }
    String reason = verdict.isBad() && !children.isEmpty() ? "no result of the suite" : "";
    reason = children.isEmpty() ? ending.reason() : reason;
    String printed = excerpt.take();
    outer.add(-1, new TestCase(name, verdict, reason, Optional.empty(), printed, children));
    return inner.headed() || named;
  }

  /** No more lines. */
  TestResults finish(MissingResult ending, Pending excerpt) {
    if (levels.isEmpty()) {
      return new TestResults(false, List.of(), false);
    }
    KtapLevel root = levels.get(0);
    MissingResult tests = ending;
    while (levels.size() > 1) {
      KtapLevel inner = levels.remove(levels.size() - 1);
      if (orphan(inner, top(), ending, tests, excerpt)) {
        tests = MissingResult.NOT_RUN;
      }
    }
    boolean found = versioned || anyResult || skipsAll;
    if (!found) {
      return new TestResults(false, List.of(), false);
    }
    root.endDocument(tests, excerpt);
    List<TestCase> cases = new ArrayList<>(root.children());
    if (cases.isEmpty()) {
      Verdict verdict = skipsAll ? Verdict.SKIP : Verdict.NO_TESTS;
      cases.add(TestCase.of(skipsAll ? "all tests" : "no tests", verdict, skipReason));
    }
    cases.addAll(budget.rest());
    return new TestResults(true, cases, budget.cut());
  }
}
