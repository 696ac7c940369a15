// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Runs as lines for a terminal: what failed, what is flaky, a table where there are several
 * kernels, the counts at the end. Control characters of a guest's do not get through.
 */
public final class TextSummary {
  private static final int MAX_LISTED = 50;
  private static final int MAX_LINE = 300;
  private static final int MAX_CELL = 40;

  private final RunSet runs;

  /** A summary of these runs. */
  public TextSummary(RunSet runs) {
    this.runs = runs;
  }

  /** The lines, without ends. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    failures(lines);
    flaky(lines);
    table(lines);
    counts(lines);
    return List.copyOf(lines);
  }

  private void failures(List<String> lines) {
    List<String> failures = new ArrayList<>();
    for (RunReport run : runs.runs()) {
      if (run.isTestOfItsOwn() && run.ownVerdict() != Verdict.PASS) {
        failures.add(line(run.ownVerdict(), run.label(), run.endLine()));
      }
      for (TestCase.Leaf leaf : run.leaves()) {
        if (leaf.test().verdict().isBad()) {
          String where = runs.runs().size() == 1 ? "" : run.label() + ": ";
          failures.add(line(leaf.test().verdict(), where + leaf.path(), leaf.test().reason()));
        }
      }
    }
    addSome(lines, failures);
  }

  private static String line(Verdict verdict, String what, String why) {
    String line = String.format("%-8s %s", verdict.word(), what);
    return PrintableText.forLine(why.isEmpty() ? line : line + " (" + why + ")", MAX_LINE);
  }

  private void flaky(List<String> lines) {
    List<String> flaky = new ArrayList<>();
    for (RunSet.Flaky test : runs.flaky()) {
      String what = test.kernel().isEmpty() ? test.name() : test.name() + " on " + test.kernel();
      what = test.path().isEmpty() ? what : what + ": " + test.path();
      int all = test.passed() + test.failed();
      flaky.add(
          PrintableText.forLine(
              "flaky    " + what + " (failed " + test.failed() + " of " + all + " times)",
              MAX_LINE));
    }
    addSome(lines, flaky);
  }

  private static void addSome(List<String> lines, List<String> more) {
    lines.addAll(more.subList(0, Math.min(more.size(), MAX_LISTED)));
    if (more.size() > MAX_LISTED) {
      lines.add("... and " + (more.size() - MAX_LISTED) + " more");
    }
  }

  /** A row for each kernel: several kernels rarely fit beside each other, several names may. */
  private void table(List<String> lines) {
    List<String> kernels = runs.kernels();
    if (kernels.size() < 2) {
      return;
    }
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("kernel"));
    runs.names().forEach(name -> head.add(PrintableText.forLine(name, MAX_CELL)));
    rows.add(head);
    for (String kernel : kernels) {
      List<String> row = new ArrayList<>(List.of(PrintableText.forLine(kernel, MAX_CELL)));
      for (String name : runs.names()) {
        row.add(cell(kernel, name));
      }
      rows.add(row);
    }
    int[] widths = new int[head.size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
      }
      lines.add(line.toString().stripTrailing());
    }
  }

  /** "pass", "panic", or of several repetitions "2 of 3 pass". */
  private String cell(String kernel, String name) {
    List<RunReport> cell =
        runs.runs().stream()
            .filter(run -> run.kernel().equals(kernel) && run.name().equals(name))
            .toList();
    if (cell.isEmpty()) {
      return "-";
    }
    if (cell.size() > 1) {
      long passed = cell.stream().filter(run -> run.verdict() == Verdict.PASS).count();
      return passed == cell.size() ? passed + " pass" : passed + " of " + cell.size() + " pass";
    }
    RunReport run = cell.get(0);
    return run.end().isVerdictOfCommand() ? run.verdict().word() : run.end().word();
  }

  private void counts(List<String> lines) {
    if (runs.runs().size() != 1) {
      lines.add(runs.runs().size() + " runs: " + counts(runs.runCounts()));
    }
    Map<Verdict, Integer> cases = runs.caseCounts();
    int sum = cases.values().stream().mapToInt(Integer::intValue).sum();
    if (sum > 0) {
      lines.add(sum + (sum == 1 ? " test: " : " tests: ") + counts(cases));
    }
  }

  private static String counts(Map<Verdict, Integer> counts) {
    List<String> parts = new ArrayList<>();
    counts.forEach(
        (verdict, count) -> {
          if (count > 0) {
            parts.add(count + " " + verdict.word());
          }
        });
    return parts.isEmpty() ? "none" : String.join(", ", parts);
  }
}
