// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What runs mean, alone and together, and how a terminal shows it. */
class RunSetTest {
  private static RunReport run(String kernel, int status, TestCase... cases) {
    return RunReport.of("t", kernel, EndClass.EXITED, status).withCases(List.of(cases));
  }

  private static TestCase test(String name, Verdict verdict) {
    return TestCase.of(name, verdict, "");
  }

  private static String summary(RunReport... runs) {
    return String.join("\n", new TextSummary(new RunSet(List.of(runs))).lines()) + "\n";
  }

  @ParameterizedTest
  @CsvSource({
    "EXITED,0,PASS", "EXITED,1,FAIL", "EXITED,4,FAIL", "SIGNAL,139,FAIL", "PANIC,0,ERROR",
    "OOPS,0,ERROR", "LOCKUP,0,ERROR", "STALL,0,ERROR", "LIMIT,0,TIMEOUT", "OUT_OF_MEMORY,0,ERROR",
    "GONE,0,ERROR", "SETUP,0,ERROR", "INTERRUPTED,0,ERROR"
  })
  void theEndDecidesFirst(EndClass end, int status, Verdict verdict) {
    RunReport run = RunReport.of("t", "", end, status);
    assertEquals(verdict, run.verdict());
    assertEquals(verdict, run.withCases(List.of(test("a", Verdict.PASS))).verdict());
  }

  @ParameterizedTest
  @EnumSource(Verdict.class)
  void thenTheTestsDo(Verdict verdict) {
    Verdict alone =
        switch (verdict) {
          case FAIL, ERROR, TIMEOUT -> Verdict.FAIL;
          case SKIP, NO_TESTS -> verdict;
          default -> Verdict.PASS;
        };
    assertEquals(alone, run("", 0, test("a", verdict)).verdict());
    Verdict besidePass = verdict.isBad() ? Verdict.FAIL : Verdict.PASS;
    assertEquals(besidePass, run("", 0, test("a", verdict), test("b", Verdict.PASS)).verdict());
  }

  @Test
  void aStatusIsToldOnce() {
    RunReport run = run("", 3);
    assertEquals("exited with status 3", run.endLine());
    assertEquals("exited with status 3", run.withDetail("status 3", "").endLine());
    assertEquals(
        "exited with status 3: status 3; cut (line 7)",
        run.withDetail("status 3; cut", "line 7").endLine());
  }

  @Test
  void noTestsAreNoPass() {
    assertFalse(new RunSet(List.of(run("", 0, test("no tests", Verdict.NO_TESTS)))).passed());
    assertFalse(new RunSet(List.of()).passed());
    assertTrue(new RunSet(List.of(run("", 0))).passed());
  }

  @Test
  void flakyIsWhatPassesAndFailsOnTheSameKernel() {
    RunSet runs =
        new RunSet(
            List.of(
                run("a", 0, test("x", Verdict.PASS), test("y", Verdict.FAIL)),
                run("a", 0, test("x", Verdict.FAIL), test("y", Verdict.FAIL)).withRepetition(2),
                run("a", 0, test("x", Verdict.PASS), test("y", Verdict.SKIP)).withRepetition(3),
                run("b", 0, test("x", Verdict.PASS), test("y", Verdict.PASS)),
                RunReport.of("t", "b", EndClass.INTERRUPTED, 130).withRepetition(2),
                RunReport.of("t", "b", EndClass.SETUP, 125).withRepetition(3)));
    assertEquals(List.of(new RunSet.Flaky("t", "a", "x", 2, 1)), flakyTests(runs));
    // Of the run as a whole one passed, though its y was skipped.
    assertEquals(
        List.of(new RunSet.Flaky("t", "a", "", 1, 2), new RunSet.Flaky("t", "a", "x", 2, 1)),
        runs.flaky());
  }

  private static List<RunSet.Flaky> flakyTests(RunSet runs) {
    return runs.flaky().stream().filter(flaky -> !flaky.path().isEmpty()).toList();
  }

  @Test
  void aCrashInOneRepetitionIsFlaky() {
    RunSet runs =
        new RunSet(
            List.of(run("", 0), RunReport.of("t", "", EndClass.PANIC, 201).withRepetition(2)));
    assertEquals(List.of(new RunSet.Flaky("t", "", "", 1, 1)), runs.flaky());
  }

  @Test
  void oneRunWithoutTestsNeedsNoSummary() {
    assertEquals(List.of(), new TextSummary(new RunSet(List.of(run("", 0)))).lines());
  }

  @Test
  void failuresAreShownWithTheirPaths() {
    TestCase suite =
        new TestCase(
            "suite",
            Verdict.FAIL,
            "",
            java.util.Optional.empty(),
            "",
            List.of(TestCase.of("a", Verdict.FAIL, "exit=1"), test("b", Verdict.PASS)));
    assertEquals(
        """
        fail     suite / a (exit=1)
        2 tests: 1 pass, 1 fail
        """,
        summary(run("6.1", 0, suite)));
  }

  @Test
  void severalKernelsAreATable() {
    assertEquals(
        """
        error    t on 6.12-rc1: a (lost)
        error    u on 6.1 (panic: at line 3)
        fail     t on 6.12-rc1 #2 (exited with status 1)
        flaky    t on 6.12-rc1: a (failed 1 of 2 times)
        kernel    t            u
        6.12-rc1  0 of 2 pass  -
        6.1       pass         panic
        4 runs: 1 pass, 2 fail, 1 error
        2 tests: 1 pass, 1 error
        """,
        summary(
            run("6.12-rc1", 0, TestCase.of("a", Verdict.ERROR, "lost")),
            RunReport.of("u", "6.1", EndClass.PANIC, 201).withDetail("at line 3", ""),
            run("6.12-rc1", 1, test("a", Verdict.PASS)).withRepetition(2),
            run("6.1", 0)));
  }

  @Test
  void aGuestsNamesCannotDriveTheTerminal() {
    String summary = summary(run("", 0, test("\u001b[2J\u202ea\nb\u0007", Verdict.FAIL)));
    assertEquals("fail     \\u202ea\\x0ab\\x07\n1 test: 1 fail\n", summary);
  }

  @Test
  void aLongListIsCut() {
    List<TestCase> many = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      many.add(test("t" + i, Verdict.FAIL));
    }
    List<String> lines =
        new TextSummary(new RunSet(List.of(run("", 0, many.toArray(TestCase[]::new))))).lines();
    assertEquals(52, lines.size());
    assertEquals("... and 950 more", lines.get(50));
  }

  @Test
  void theWordsOfTheEndsAreThoseOfTheDocuments() {
    assertEquals(
        "[exited, signal, panic, oops, lockup, stall, limit, out-of-memory, gone, setup,"
            + " interrupted]",
        java.util.Arrays.stream(EndClass.values()).map(EndClass::word).toList().toString());
  }
}
