// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.TestCase;
import org.junit.jupiter.api.Test;

/** Suites in suites, in every form that kernels print them. Traps, row 50. */
class NestedResultsTest {
  private static final String THREE_LEVELS =
      """
      KTAP version 1
      1..1
        KTAP version 1
        # Subtest: outer
        1..2
          KTAP version 1
          # Subtest: first
          1..2
          ok 1 a
          # b: EXPECTATION FAILED at x.c:3
          not ok 2 b
        not ok 1 first
          KTAP version 1
          1..1
          ok 1 a
        ok 2 second
      not ok 1 outer
      """;

  private static final String THREE_LEVELS_TREE =
      """
      fail outer
        fail first
          pass a
          fail b
        pass second
          pass a
      """;

  @Test
  void threeLevelsByIndentation() {
    TestResults results = Parsed.results(THREE_LEVELS, EndClass.EXITED);
    assertEquals(THREE_LEVELS_TREE, Parsed.tree(results));
    assertEquals(
        "[outer / first / a, outer / first / b, outer / second / a]",
        TestCase.leaves(results.cases()).stream().map(TestCase.Leaf::path).toList().toString());
  }

  @Test
  void indentationMayBeTabsAndLinesMayHavePrefixes() {
    StringBuilder log = new StringBuilder();
    int number = 0;
    for (String line : THREE_LEVELS.split("\n")) {
      log.append("[    0.").append(100000 + number++).append("][    T1] ");
      log.append(line.replace("  ", "\t")).append("\r\n");
      log.append("[    0.500000][  T12] e1000: link is up\r\n");
    }
    assertEquals(THREE_LEVELS_TREE, Parsed.tree(log.toString()));
    assertEquals(
        THREE_LEVELS_TREE, Parsed.tree(THREE_LEVELS.replaceAll("(?m)^", "<6>[   12.345678] ")));
    assertEquals(THREE_LEVELS_TREE, Parsed.tree(THREE_LEVELS.replaceAll("(?m)^", "<6>")));
    assertEquals(THREE_LEVELS_TREE, Parsed.tree(THREE_LEVELS.replaceAll("(?m)^", "\u001b[0m")));
    assertEquals(THREE_LEVELS_TREE, Parsed.tree(THREE_LEVELS.replaceAll("(?m)^", " ")));
  }

  @Test
  void kselftestPrintsInnerResultsAsComments() {
    assertEquals(
        """
        pass selftests: membarrier: single
          pass sys_membarrier available
          pass sys membarrier invalid command test: command = -1, flags = 0. Failed as expected
        fail selftests: membarrier: multi | exit=1
          pass sys_membarrier available
          fail expedited
        skip selftests: membarrier: third
        """,
        Parsed.tree(
            """
            TAP version 13
            1..3
            # selftests: membarrier: single
            # TAP version 13
            # 1..2
            # ok 1 sys_membarrier available
            # ok 2 sys membarrier invalid command test: command = -1, flags = 0. Failed as expected
            # # Totals: pass:2 fail:0 xfail:0 xpass:0 skip:0 error:0
            ok 1 selftests: membarrier: single
            # selftests: membarrier: multi
            # TAP version 13
            # 1..2
            # ok 1 sys_membarrier available
            # not ok 2 expedited
            not ok 2 selftests: membarrier: multi # exit=1
            # selftests: membarrier: third
            ok 3 selftests: membarrier: third # SKIP
            """));
  }

  @Test
  void commentsMayHoldThreeLevels() {
    assertEquals(
        """
        fail selftests: a: b
          fail inner
            pass x
            fail y
        """,
        Parsed.tree(
            """
            TAP version 13
            1..1
            # TAP version 13
            # 1..1
            # # TAP version 13
            # # 1..2
            # # ok 1 x
            # # not ok 2 y
            # not ok 1 inner
            not ok 1 selftests: a: b
            """));
    assertEquals(
        """
        fail selftests: a: b
          fail inner
            pass x
            fail y
        """,
        Parsed.tree(
            """
            TAP version 13
            1..1
            # KTAP version 1
            # 1..1
            #     KTAP version 1
            #     1..2
            #     ok 1 x
            #     not ok 2 y
            # not ok 1 inner
            not ok 1 selftests: a: b
            """));
  }

  @Test
  void tap14NamesSubtestsBesideTheirParents() {
    assertEquals(
        """
        pass foo
          pass a
          pass b
        fail bar
          fail c
        """,
        Parsed.tree(
            """
            TAP version 14
            # Subtest: foo
                ok 1 - a
                ok 2 - b
                1..2
            ok 1 - foo
                # Subtest: bar
                not ok 1 - c
                1..1
            not ok 2 - bar
            1..2
            """));
  }

  @Test
  void aFailedTestIsNotHiddenByASuiteThatPassed() {
    assertEquals(
        """
        fail suite | it said pass, a test in it did not
          fail a
        """,
        Parsed.tree("KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 a\nok 1 suite\n"));
  }

  @Test
  void aSuiteThatFailsByItselfIsATest() {
    TestResults results =
        Parsed.results(
            "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 suite\n",
            EndClass.EXITED);
    assertEquals(
        "[suite / a, suite]",
        TestCase.leaves(results.cases()).stream().map(TestCase.Leaf::path).toList().toString());
  }

  @Test
  void equalNamesGetNumbersAndKeepTheirVerdicts() {
    assertEquals(
        """
        fail mmap
        pass mmap (2)
        pass mmap (3)
        """,
        Parsed.tree("TAP version 13\n1..3\nnot ok 1 mmap\nok 2 mmap\nok 3 mmap\n"));
    assertEquals(
        """
        pass a (2)
        pass a
        fail a (3)
        """,
        Parsed.tree("TAP version 13\n1..3\nok 1 a (2)\nok 2 a\nnot ok 3 a\n"));
  }

  @Test
  void aNumberWithTwoVerdictsIsTwoTests() {
    assertEquals(
        """
        fail a
        pass a (2)
        """,
        Parsed.tree("TAP version 13\n1..1\nnot ok 1 a\nok 1 a\n"));
  }

  @Test
  void aSummaryAtTheEndDoesNotCountAgain() {
    String run =
        """
        TAP version 13
        1..2
        # selftests: t: a
        # TAP version 13
        # 1..2
        # ok 1 x
        # not ok 2 y
        not ok 1 selftests: t: a # exit=1
        # selftests: t: b
        ok 2 selftests: t: b
        """;
    String tree =
        """
        fail selftests: t: a | exit=1
          pass x
          fail y
        pass selftests: t: b
        """;
    assertEquals(tree, Parsed.tree(run));
    assertEquals(
        tree,
        Parsed.tree(
            run
                + """
                not ok 1 selftests: t: a # exit=1
                ok 2 selftests: t: b
                # ok 1 x
                # not ok 2 y
                """));
  }

  @Test
  void severalDocumentsFollowEachOther() {
    assertEquals(
        """
        pass a
        pass a (2)
        error test 2 | no result
        pass c
        """,
        Parsed.tree(
            """
            TAP version 13
            1..1
            ok 1 a
            $ ./second
            TAP version 13
            1..2
            ok 1 a
            $ ./third
            KTAP version 1
            ok 1 c
            """));
    assertEquals(
        """
        pass selftests: net: two_programs.sh
          pass a
          pass b
          pass a (2)
        """,
        Parsed.tree(
            """
            TAP version 13
            1..1
            # TAP version 13
            # 1..2
            # ok 1 a
            # ok 2 b
            # TAP version 13
            # 1..1
            # ok 1 a
            ok 1 selftests: net: two_programs.sh
            """));
  }

  @Test
  void aSuiteWithoutItsResultDoesNotMixWithTheNext() {
    assertEquals(
        """
        error first | no result of the suite
          pass a
        pass second
          pass b
        """,
        Parsed.tree(
            """
            KTAP version 1
            1..2
                KTAP version 1
                # Subtest: first
                1..1
                ok 1 a
                KTAP version 1
                # Subtest: second
                1..1
                ok 1 b
            ok 2 second
            """));
  }

  @Test
  void testsMayBeDeeperThanTheirHeader() {
    assertEquals(
        """
        fail one
        fail two
          fail inner
        """,
        Parsed.tree(
            """
            KTAP version 1
            1..2
            not ok 1 one
                KTAP version 1
                1..1
                    not ok 1 inner
            not ok 2 two
            """));
  }

  @Test
  void parametersOfAKunitTestAreItsSubtests() {
    assertEquals(
        """
        pass example
          pass plain
          pass params
            pass value 3
            skip value 2 | unsupported
        """,
        Parsed.tree(
            """
            KTAP version 1
            1..1
                KTAP version 1
                # Subtest: example
                # module: kunit_example_test
                1..2
                # plain: initializing
                ok 1 plain
                    KTAP version 1
                    # Subtest: params
                # params: initializing
                    ok 1 value 3
                # params: cleaning up
                    ok 2 value 2 # SKIP unsupported
                # params: pass:1 fail:0 skip:1 total:2
                ok 2 params
            # example: pass:2 fail:0 skip:0 total:2
            # Totals: pass:2 fail:0 skip:1 total:3
            ok 1 example
            """));
  }

  @Test
  void nestingHasALimit() {
    StringBuilder deep = new StringBuilder("KTAP version 1\n");
    for (int i = 1; i < 1000; i++) {
      deep.append(" ".repeat(Math.min(i, 200))).append("KTAP version 1\n");
    }
    for (int i = 200; i >= 0; i--) {
      deep.append(" ".repeat(i)).append("ok 1 x\n");
    }
    TestResults results = Parsed.results(deep.toString(), EndClass.EXITED);
    int depth = 0;
    for (var cases = results.cases(); !cases.isEmpty(); cases = cases.get(0).children()) {
      depth++;
    }
    assertEquals(KtapLimits.DEFAULT.depth(), depth);
  }
}
