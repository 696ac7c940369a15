// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ReportBudgetTest {
  private static final String CHATTY = "x".repeat(10_000);

  private static RunReport run(int status) {
    return RunReport.of("t", "", EndClass.EXITED, status);
  }

  private static RunReport chatty(int status) {
    return run(status).withOutput(CHATTY, "k.log");
  }

  private static TestCase test(Verdict verdict, String excerpt) {
    return new TestCase("a test", verdict, "", Optional.empty(), excerpt, List.of());
  }

  @Test
  void aReportThatFitsStaysAsItIs() {
    RunReport run = chatty(0);
    assertSame(run, new ReportBudget(100_000).keep(run));
  }

  @Test
  void manyRunsKeepNoMoreThanTheirRoom() {
    ReportBudget budget = new ReportBudget(1_000_000);
    List<RunReport> kept = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      kept.add(budget.keep(chatty(i % 2)));
    }
    long characters = kept.stream().mapToLong(run -> run.output().length()).sum();
    assertTrue(characters < 1_000_000, () -> characters + " characters");
    assertEquals(1000, new RunSet(kept).runCounts().get(Verdict.FAIL));
    String last = kept.get(1999).output();
    assertTrue(last.startsWith("[... 10000 characters are left out"), last);
    assertEquals("k.log", kept.get(1999).log());
  }

  @Test
  void whatPassedLeavesRoomForWhatFails() {
    ReportBudget budget = new ReportBudget(100_000);
    for (int i = 0; i < 50; i++) {
      budget.keep(chatty(0));
    }
    assertEquals(CHATTY, budget.keep(chatty(1)).output());
    assertTrue(budget.keep(chatty(0)).output().startsWith("[... "));
  }

  @Test
  void testsStayLongerThanWhatWasPrintedMeanwhile() {
    TestCase failed = test(Verdict.FAIL, CHATTY);
    TestCase suite = new TestCase("suite", Verdict.FAIL, "", Optional.empty(), "", List.of(failed));
    RunReport run =
        chatty(0)
            .withCases(List.of(suite))
            .withKernelReports(List.of(new Attachment("oops", "BUG: x", CHATTY, 2)));
    RunReport kept = new ReportBudget(5_000).keep(run);
    assertEquals("suite / a test", kept.leaves().get(0).path());
    String excerpt = kept.leaves().get(0).test().excerpt();
    assertTrue(excerpt.startsWith("[... 10000 characters are left out"), excerpt);
    assertEquals("BUG: x", kept.kernelReports().get(0).title());
    assertTrue(kept.kernelReports().get(0).text().startsWith("[... 10000 "));
    assertEquals(Verdict.FAIL, kept.verdict());
  }

  @ParameterizedTest
  @EnumSource(Verdict.class)
  void whateverIsLeftOutTheRunsVerdictStays(Verdict verdict) {
    for (int status = 0; status < 2; status++) {
      List<TestCase> cases = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        cases.add(test(verdict, ""));
      }
      Attachment report = new Attachment("oops", "BUG: x", "x", 2);
      RunReport run = run(status).withCases(cases).withKernelReports(List.of(report, report));
      RunReport kept = new ReportBudget(0).keep(run);
      assertEquals(run.verdict(), kept.verdict());
      assertEquals(1, kept.cases().size());
      assertTrue(kept.cases().get(0).name().startsWith("100 tests are left out"));
      assertEquals(1, kept.kernelReports().size());
      assertEquals(2, kept.kernelReports().get(0).count());
    }
  }

  @Test
  void aRunWithoutAnythingGetsNothing() {
    RunReport run = run(0);
    assertEquals(run, new ReportBudget(0).keep(run));
  }
}
