// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.util.List;

/**
 * Keeps the reports of any number of runs within a bound of memory. How a run ended is always kept;
 * what it printed, its tests and the kernel's reports only as long as there is room, and a report
 * says what is left out. Runs that passed get half of the room, so that there is some for those
 * that fail. Not thread-safe.
 */
public final class ReportBudget {
  /** Of a string: as many bytes a character, and its objects. */
  private static final int BYTES_A_CHARACTER = 2;

  private static final int TEXT_BYTES = 64;

  /** Of a test or a report of the kernel's, beside its texts. */
  private static final int ITEM_BYTES = 200;

  private final long bytes;
  private long used;

  /**
   * An empty one.
   *
   * @param bytes the room for all reports, as an estimate
   */
  public ReportBudget(long bytes) {
    this.bytes = bytes;
  }

  /** The report, or as much of it as there is room for. */
  public RunReport keep(RunReport run) {
    boolean passed = run.passed();
    long room = (passed ? bytes / 2 : bytes) - used;
    RunReport kept = run;
    if (size(kept) > room) {
      kept = kept.withOutput(leftOut(kept.output()), kept.log());
    }
    if (size(kept) > room) {
      kept =
          kept.withCases(withoutExcerpts(kept.cases()))
              .withKernelReports(
                  kept.kernelReports().stream().map(ReportBudget::withoutText).toList());
    }
    if (size(kept) > room) {
      kept = withoutItems(kept);
    }
    used += size(kept);
    return kept;
  }

  private static long size(RunReport run) {
    long size = size(run.output()) + casesSize(run.cases());
    for (Attachment report : run.kernelReports()) {
      size += ITEM_BYTES + size(report.title()) + size(report.text());
    }
    return size;
  }

  private static long casesSize(List<TestCase> cases) {
    long size = 0;
    for (TestCase test : cases) {
      size += ITEM_BYTES + size(test.name()) + size(test.reason()) + size(test.excerpt());
      size += casesSize(test.children());
    }
    return size;
  }

  private static long size(String text) {
    return text.isEmpty() ? 0 : TEXT_BYTES + (long) BYTES_A_CHARACTER * text.length();
  }

  private static String leftOut(String text) {
    return text.isEmpty()
        ? text
        : "[... " + text.length() + " characters are left out: too much of all runs ...]";
  }

  private static List<TestCase> withoutExcerpts(List<TestCase> cases) {
    return cases.stream()
        .map(
            test ->
                new TestCase(
                    test.name(),
                    test.verdict(),
                    test.reason(),
                    test.time(),
                    leftOut(test.excerpt()),
                    withoutExcerpts(test.children())))
        .toList();
  }

  private static Attachment withoutText(Attachment report) {
    return new Attachment(report.kind(), report.title(), leftOut(report.text()), report.count());
  }

  /** One in place of all tests has their verdict: that of the run must not change. */
  private static RunReport withoutItems(RunReport run) {
    RunReport kept = run;
    if (!run.cases().isEmpty()) {
      Verdict verdict =
          RunReport.of(run.name(), run.kernel(), EndClass.EXITED, 0)
              .withCases(run.cases())
              .verdict();
      String name = run.leaves().size() + " tests are left out: too many of all runs";
      kept = kept.withCases(List.of(TestCase.of(name, verdict, "")));
    }
    int reports = run.kernelReports().size();
    if (reports > 0) {
      String title = reports + " reports of the kernel's are left out: too many of all runs";
      kept = kept.withKernelReports(List.of(new Attachment("left-out", title, "", reports)));
    }
    return kept;
  }
}
