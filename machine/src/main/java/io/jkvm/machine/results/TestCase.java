// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A test, or a suite of tests.
 *
 * @param name unique among its siblings; never empty
 * @param verdict of a suite: its own, or that of its tests where they are worse
 * @param reason one line, why: the text of a directive, or what is missing; may be empty
 * @param time how long it took, if it said so
 * @param excerpt of what was printed while it ran, of bounded length; empty for what passed
 * @param children the tests of a suite, in their order
 */
public record TestCase(
    String name,
    Verdict verdict,
    String reason,
    Optional<Duration> time,
    String excerpt,
    List<TestCase> children) {

  /** Takes a copy of the list; children of one name are numbered. */
  public TestCase {
    Objects.requireNonNull(verdict, "verdict");
    Objects.requireNonNull(reason, "reason");
    Objects.requireNonNull(time, "time");
    Objects.requireNonNull(excerpt, "excerpt");
    if (name.isEmpty()) {
      throw new IllegalArgumentException("a test without a name");
    }
    children = numbered(children);
  }

  /** A test without subtests, of which nothing else is known. */
  public static TestCase of(String name, Verdict verdict, String reason) {
    return new TestCase(name, verdict, reason, Optional.empty(), "", List.of());
  }

  /** The same with another name. */
  public TestCase named(String otherName) {
    return new TestCase(otherName, verdict, reason, time, excerpt, children);
  }

  /** The same with another excerpt. */
  public TestCase withExcerpt(String otherExcerpt) {
    return new TestCase(name, verdict, reason, time, otherExcerpt, children);
  }

  /** Whether a test below this one is bad. */
  public boolean hasBadChild() {
    return children.stream().anyMatch(child -> child.verdict.isBad() || child.hasBadChild());
  }

  /**
   * A test with the names of the suites that it is in.
   *
   * @param suites from the outermost to the innermost
   */
  public record Leaf(List<String> suites, TestCase test) {
    /** Takes a copy of the list. */
    public Leaf {
      suites = List.copyOf(suites);
    }

    /** All names, from the outermost suite to the test. */
    public String path() {
      return suites.isEmpty() ? test.name() : String.join(" / ", suites) + " / " + test.name();
    }
  }

  /**
   * Every test once: those without subtests, and the suites that are bad though none of their tests
   * is.
   */
  public static List<Leaf> leaves(List<TestCase> cases) {
    List<Leaf> leaves = new ArrayList<>();
    collect(List.of(), cases, leaves);
    return leaves;
  }

  private static void collect(List<String> suites, List<TestCase> cases, List<Leaf> leaves) {
    for (TestCase test : cases) {
      if (!test.children.isEmpty()) {
        List<String> inner = new ArrayList<>(suites);
        inner.add(test.name);
        collect(inner, test.children, leaves);
      }
      if (test.children.isEmpty() || (test.verdict.isBad() && !test.hasBadChild())) {
        leaves.add(new Leaf(suites, test));
      }
    }
  }

  /** The same tests; the second of one name is called "name (2)", so that none hides another. */
  public static List<TestCase> numbered(List<TestCase> cases) {
    Map<String, Integer> seen = new HashMap<>();
    List<TestCase> unique = new ArrayList<>(cases.size());
    for (TestCase test : cases) {
      Integer count = seen.putIfAbsent(test.name, 1);
      if (count == null) {
        unique.add(test);
        continue;
      }
      String name;
      do {
        count++;
        name = test.name + " (" + count + ")";
      } while (seen.containsKey(name));
      seen.put(test.name, count);
      seen.put(name, 1);
      unique.add(test.named(name));
    }
    return List.copyOf(unique);
  }
}
