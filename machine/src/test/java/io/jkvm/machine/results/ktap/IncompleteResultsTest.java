// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.Verdict;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Plans that are missing or not kept, and runs that end in the middle. Traps, row 51. */
class IncompleteResultsTest {
  @Test
  void fewerResultsThanPlannedIsAnError() {
    assertEquals(
        """
        pass a
        pass b
        error test 3 | no result before the command ended
        not-run test 4
        """,
        Parsed.tree("TAP version 13\n1..4\nok 1 a\nok 2 b\n"));
    assertEquals(
        """
        pass a
        pass b
        error test 3 | no result before the command ended
        """,
        Parsed.tree("1..3\nok 1 a\nok 2 b\n"));
  }

  @Test
  void fewerThanPlannedInASuiteMakesItAnError() {
    assertEquals(
        """
        error suite | it said pass, a test in it did not
          pass a
          error test 2 | no result
          not-run test 3
        """,
        Parsed.tree("KTAP version 1\n1..1\n  KTAP version 1\n  1..3\n  ok 1 a\nok 1 suite\n"));
  }

  @Test
  void aLostLineIsTheTestWithoutResult() {
    assertEquals(
        """
        pass a
        pass c
        error test 2 | no result before the command ended
        """,
        Parsed.tree("TAP version 13\n1..3\nok 1 a\nok 3 c\n"));
  }

  @Test
  void noPlanIsFine() {
    assertEquals("pass a\npass b\n", Parsed.tree("TAP version 13\nok 1 a\nok 2 b\n"));
    assertEquals("pass a\npass b\n", Parsed.tree("ok 1 a\nok 2 b\n"));
    assertEquals("pass a\npass b\n", Parsed.tree("TAP version 13\nok 1 a\nok 2 b\n1..2\n"));
    assertEquals(
        "pass suite\n  pass a\n",
        Parsed.tree("KTAP version 1\n  # Subtest: suite\n  ok 1 a\nok 1 suite\n"));
  }

  @Test
  void noTestIsNoPass() {
    assertEquals("no-tests no tests\n", Parsed.tree("TAP version 13\n"));
    assertEquals("no-tests no tests\n", Parsed.tree("[    1.5] KTAP version 1\n[    1.6] 1..0\n"));
    assertEquals(
        """
        pass full
          pass a
        no-tests empty
        """,
        Parsed.tree(
            """
            KTAP version 1
            1..2
              KTAP version 1
              1..1
              ok 1 a
            ok 1 full
              KTAP version 1
              # Subtest: empty
            ok 2 empty
            """));
    assertEquals(
        """
        pass suite
          no-tests case
        """,
        Parsed.tree(
            """
            TAP version 14
            1..1
              # Subtest: suite
              1..1
                # Subtest: case
              ok 1 - case
            ok 1 - suite
            """));
  }

  @Test
  void aPlanToSkipAllIsASkip() {
    assertEquals("skip all tests | no hardware\n", Parsed.tree("1..0 # SKIP no hardware\n"));
    assertEquals(
        "skip selftests: a: b | needs root\n",
        Parsed.tree(
            "TAP version 13\n1..1\n# TAP version 13\n# 1..0 # SKIP needs root\nok 1 selftests: a: b\n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "hello\n",
        "1 ok\nokay\nok\nok then\nnothing\n",
        "  1..3 of the files\n1..3 of them\n",
        "ok 7 files\n",
        "1..10\n",
        "random: crng init done\n"
      })
  void otherOutputIsNoTest(String output) {
    TestResults results = Parsed.results(output, EndClass.EXITED);
    assertFalse(results.found());
    assertEquals(List.of(), results.cases());
  }

  private static final String KUNIT =
      """
      [    0.06] KTAP version 1
      [    0.06] 1..3
      [    0.06]     KTAP version 1
      [    0.06]     # Subtest: first
      [    0.06]     1..1
      [    0.06]     ok 1 a
      [    0.06] ok 1 first
      [    0.06]     KTAP version 1
      [    0.06]     # Subtest: second
      [    0.06]     1..4
      [    0.06]     ok 1 b
      [    0.06]     ok 2 c
      """;

  private static final String PANIC =
      """
      [    0.07]     # dereferences: about to
      [    0.07] BUG: kernel NULL pointer dereference, address: 0000000000000000
      [    0.07] Kernel panic - not syncing: Fatal exception
      """;

  @Test
  void theTestThatPanicsIsTheErrorAndTheRestNotRun() {
    TestResults results = Parsed.results(KUNIT + PANIC, EndClass.PANIC);
    assertEquals(
        """
        pass first
          pass a
        error second | no result of the suite
          pass b
          pass c
          error dereferences | the run ended while it ran: panic
          not-run test 4
        not-run test 3
        """,
        Parsed.tree(results));
    TestCase crashed = results.cases().get(1).children().get(2);
    assertTrue(crashed.excerpt().contains("NULL pointer"), crashed.excerpt());
    assertTrue(crashed.excerpt().contains("Kernel panic"), crashed.excerpt());
  }

  @ParameterizedTest
  @EnumSource(EndClass.class)
  void everyEndInTheMiddleIsAnError(EndClass end) {
    TestResults results = Parsed.results(KUNIT, end);
    TestCase running = results.cases().get(1).children().get(2);
    assertEquals(end == EndClass.LIMIT ? Verdict.TIMEOUT : Verdict.ERROR, running.verdict());
    if (!end.isVerdictOfCommand() && end != EndClass.LIMIT) {
      assertTrue(running.reason().endsWith(": " + end.word()), running.reason());
    }
  }

  @Test
  void aPanicBehindTheLastResultChangesNone() {
    String all = "[  0.1] KTAP version 1\n[  0.1] 1..2\n[  0.1] ok 1 a\n[  0.1] not ok 2 b\n";
    String after =
        "[  0.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n";
    assertEquals("pass a\nfail b\n", Parsed.tree(all + after, EndClass.PANIC));
    assertEquals(
        "pass a\nfail b\n", Parsed.tree(all.replace("[  0.1] 1..2\n", "") + after, EndClass.PANIC));
  }

  @Test
  void kselftestNamesTheTestThatRuns() {
    assertEquals(
        """
        pass selftests: t: a
        error selftests: t: b | no result of the suite
          pass x
          error test 2 | the run ended while it ran: lockup
        not-run test 3
        """,
        Parsed.tree(
            """
            TAP version 13
            1..3
            # selftests: t: a
            ok 1 selftests: t: a
            # selftests: t: b
            # TAP version 13
            # 1..2
            # ok 1 x
            """,
            EndClass.LOCKUP));
    assertEquals(
        """
        error selftests: t: a | the run ended while it ran: gone
        not-run test 2
        """,
        Parsed.tree("TAP version 13\n1..2\n# selftests: t: a\n# hello\n", EndClass.GONE));
  }

  @Test
  void theHarnessNamesTheTestThatRuns() {
    String run =
        """
        TAP version 13
        1..2
        # Starting 2 tests from 1 test cases.
        #  RUN           global.one ...
        #            OK  global.one
        ok 1 global.one
        #  RUN           global.two ...
        """;
    assertEquals(
        "pass global.one\nerror global.two | the run ended while it ran: panic\n",
        Parsed.tree(run, EndClass.PANIC));
    assertEquals(
        "pass global.one\nskip global.two | no device\n",
        Parsed.tree(run + "#      SKIP      no device\nok 2 # SKIP no device\n"));
  }

  @Test
  void bailOutEndsTheTests() {
    assertEquals(
        "pass a\nerror test 2 | bail out: no memory\nnot-run test 3\n",
        Parsed.tree("TAP version 13\n1..3\nok 1 a\nBail out! no memory\n"));
    assertEquals(
        """
        fail selftests: t: a | exit=1
          pass x
          error test 2 | bail out: no memory
        """,
        Parsed.tree(
            """
            TAP version 13
            1..1
            # TAP version 13
            # 1..2
            # ok 1 x
            # Bail out! no memory
            # # Planned tests != run tests (2 != 1)
            not ok 1 selftests: t: a # exit=1
            """));
  }

  @Test
  void aSuiteThatIsSkippedOrTimesOutInTheMiddleSaysSo() {
    String start = "TAP version 13\n1..1\n# TAP version 13\n# 1..3\n# ok 1 x\n";
    assertEquals(
        """
        skip selftests: t: a
          pass x
          not-run test 2
          not-run test 3
        """,
        Parsed.tree(start + "ok 1 selftests: t: a # SKIP\n"));
    assertEquals(
        """
        timeout selftests: t: a | 45 seconds
          pass x
          timeout test 2 | 45 seconds
          not-run test 3
        """,
        Parsed.tree(start + "#\nnot ok 1 selftests: t: a # TIMEOUT 45 seconds\n"));
  }

  @Test
  void aHugePlanIsOneEntry() {
    TestResults results = Parsed.results("TAP version 13\n1..999999999\nok 1 a\n", EndClass.EXITED);
    assertEquals(
        "pass a\nerror test 2 | no result before the command ended\nnot-run 999999997 more tests\n",
        Parsed.tree(results));
  }
}
