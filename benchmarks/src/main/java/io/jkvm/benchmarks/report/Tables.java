// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.report;

import io.jkvm.benchmarks.report.Summary.Cell;
import io.jkvm.benchmarks.report.Summary.Spread;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The summary as Markdown. */
public final class Tables {
  private static final String JKVM = "jkvm";
  private static final String QEMU = "qemu";
  private static final String HOST = "fio";

  private final Summary summary;

  public Tables(Summary summary) {
    this.summary = summary;
  }

  /** All tables. */
  public String text() {
    return "Time of a request, us: median (least to most of the rounds)\n\n"
        + table(cell -> spread(cell.time()))
        + "\nProcessor time of a request, us, user and system, without the vCPU's own thread\n\n"
        + table(cell -> spread(cell.cpu()))
        + "\nThe best of jkvm over the best of QEMU, and over the best of fio on the bare host\n\n"
        + ratios();
  }

  private String table(Function<Cell, String> show) {
    List<String> shown = summary.contenders();
    StringBuilder text = new StringBuilder();
    text.append("| step | ").append(String.join(" | ", shown)).append(" |\n");
    text.append("|---".repeat(shown.size() + 1)).append("|\n");
    for (String step : summary.steps()) {
      text.append("| ").append(step).append(" | ");
      text.append(
          shown.stream()
              .map(contender -> summary.cell(step, contender).map(show).orElse(""))
              .collect(Collectors.joining(" | ")));
      text.append(" |\n");
    }
    return text.toString();
  }

  private String ratios() {
    StringBuilder text = new StringBuilder();
    text.append("| step | best of jkvm | best of QEMU | time / QEMU | CPU / QEMU | time / fio |\n");
    text.append("|---|---|---|---|---|---|\n");
    for (String step : summary.steps()) {
      Optional<String> ours = summary.best(step, JKVM);
      Optional<String> theirs = summary.best(step, QEMU);
      Optional<String> ceiling = summary.best(step, HOST);
      text.append("| ").append(step);
      text.append(" | ").append(ours.orElse(""));
      text.append(" | ").append(theirs.orElse(""));
      text.append(" | ").append(ratio(step, ours, theirs, Cell::time));
      text.append(" | ").append(ratio(step, ours, theirs, Cell::cpu));
      text.append(" | ").append(ratio(step, ours, ceiling, Cell::time));
      text.append(" |\n");
    }
    return text.toString();
  }

  private String ratio(
      String step, Optional<String> a, Optional<String> b, Function<Cell, Spread> value) {
    if (a.isEmpty() || b.isEmpty()) {
      return "";
    }
    double over = value.apply(summary.cell(step, b.get()).orElseThrow()).median();
    double of = value.apply(summary.cell(step, a.get()).orElseThrow()).median();
    return over > 0 ? String.format(Locale.ROOT, "%.2f", of / over) : "";
  }

  private static String spread(Spread nanos) {
    if (nanos.median() == 0) {
      return ""; // unknown, or too little to be seen
    }
    return micros(nanos.median()) + " (" + micros(nanos.least()) + "-" + micros(nanos.most()) + ")";
  }

  /** Three digits, or all before the point. */
  static String micros(double nanos) {
    double micros = nanos / 1000;
    int digits = micros >= 100 ? 0 : micros >= 10 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + digits + "f", micros);
  }
}
