// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.report;

import io.jkvm.benchmarks.report.Summary.Cell;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A chart of bars, as SVG: for each step the time of a request on each contender, as a multiple of
 * the best of QEMU, which is the line. The time itself is beside the bar.
 */
public final class Chart {
  private static final int LEFT = 290;
  private static final int UNIT = 170;
  private static final double MOST = 4;
  private static final int BAR = 11;
  private static final int GAP = 14;
  private static final int TOP = 64;
  private static final int WIDTH = LEFT + (int) (MOST * UNIT) + 110;

  private static final List<String> COLOURS =
      List.of(
          "#1b6ca8", "#5aa9e6", "#d1495b", "#edae49", "#9a4f96", "#c98bb9", "#66a182", "#a3c9a8");

  private final Summary summary;
  private final String title;
  private final StringBuilder svg = new StringBuilder();
  private int y = TOP;

  private Chart(Summary summary, String title) {
    this.summary = summary;
    this.title = title;
  }

  /** The whole file. */
  public static String svg(Summary summary, String title) {
    return new Chart(summary, title).draw();
  }

  private String draw() {
    for (String step : summary.steps()) {
      Optional<Double> unit =
          summary
              .best(step, "qemu")
              .or(() -> summary.best(step, ""))
              .flatMap(best -> summary.cell(step, best))
              .map(cell -> cell.time().median());
      unit.ifPresent(nanos -> drawStep(step, nanos));
    }
    StringBuilder all = new StringBuilder();
    all.append(
        String.format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
                + " font-family=\"sans-serif\" font-size=\"11\">%n",
            WIDTH, y + 10));
    all.append(String.format("<rect width=\"%d\" height=\"%d\" fill=\"white\"/>%n", WIDTH, y + 10));
    all.append(text(10, 20, "start", "14", title));
    drawLegend(all);
    all.append(
        String.format(
            "<path d=\"M%d %dV%d\" stroke=\"#888\" stroke-dasharray=\"3 3\"/>%n",
            LEFT + UNIT, TOP - 6, y));
    all.append(svg);
    all.append("</svg>\n");
    return all.toString();
  }

  private void drawLegend(StringBuilder all) {
    int x = 10;
    for (String contender : summary.contenders()) {
      all.append(bar(x, 34, 10, colour(contender)));
      all.append(text(x + 14, 43, "start", "11", contender));
      x += 28 + 7 * contender.length();
    }
  }

  private void drawStep(String step, double unitNanos) {
    int begin = y;
    for (String contender : summary.contenders()) {
      Optional<Cell> cell = summary.cell(step, contender);
      if (cell.isPresent()) {
        double nanos = cell.get().time().median();
        double ratio = nanos / unitNanos;
        int width = (int) Math.round(Math.min(ratio, MOST) * UNIT);
        svg.append(bar(LEFT, y, width, colour(contender)));
        String label =
            Tables.micros(nanos)
                + " us"
                + (ratio > MOST ? String.format(Locale.ROOT, " (%.1f)", ratio) : "");
        svg.append(text(LEFT + width + 4, y + BAR - 2, "start", "10", label));
        y += BAR;
      }
    }
    svg.append(text(LEFT - 8, (begin + y) / 2 + 4, "end", "11", step));
    y += GAP;
  }

  private String colour(String contender) {
    return COLOURS.get(summary.contenders().indexOf(contender) % COLOURS.size());
  }

  private static String bar(int x, int y, int width, String colour) {
    return String.format(
        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>%n",
        x, y, width, BAR - 1, colour);
  }

  private static String text(int x, int y, String anchor, String size, String words) {
    String escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    return String.format(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" font-size=\"%s\">%s</text>%n",
        x, y, anchor, size, escaped);
  }
}
