// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.report;

import io.jkvm.benchmarks.run.Sample;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** The samples of all rounds by step and contender, in the order in which they are to be shown. */
public final class Summary {
  private final List<String> steps;
  private final List<String> contenders;
  private final Map<String, Map<String, Cell>> cells = new LinkedHashMap<>();

  /**
   * One step on one contender.
   *
   * @param time of a request, ns
   * @param cpu processor time of a request, ns
   */
  public record Cell(Spread time, Spread cpu) {}

  /** The median of the rounds, and the extremes. */
  public record Spread(double least, double median, double most) {
    static Spread of(List<Sample> samples, ToDoubleFunction<Sample> value) {
      double[] values = samples.stream().mapToDouble(value).sorted().toArray();
      return new Spread(values[0], median(values), values[values.length - 1]);
    }

    private static double median(double[] sorted) {
      int middle = sorted.length / 2;
      return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
  }

  public Summary(List<String> steps, List<String> contenders, List<Sample> samples) {
    this.steps = List.copyOf(steps);
    this.contenders = List.copyOf(contenders);
    for (String step : steps) {
      Map<String, Cell> row = new LinkedHashMap<>();
      for (String contender : contenders) {
        List<Sample> mine =
            samples.stream()
                .filter(s -> s.step().equals(step) && s.contender().equals(contender))
                .toList();
        if (!mine.isEmpty()) {
          row.put(
              contender,
              new Cell(Spread.of(mine, Sample::nanos), Spread.of(mine, Sample::cpuNanos)));
        }
      }
      cells.put(step, row);
    }
  }

  public List<String> steps() {
    return steps;
  }

  public List<String> contenders() {
    return contenders;
  }

  public Optional<Cell> cell(String step, String contender) {
    return Optional.ofNullable(cells.get(step).get(contender));
  }

  /**
   * The contender of a group that needs the least time for a step, by the medians.
   *
   * @param prefix how the names of the group begin
   */
  public Optional<String> best(String step, String prefix) {
    return cells.get(step).entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(prefix))
        .min((a, b) -> Double.compare(a.getValue().time().median, b.getValue().time().median))
        .map(Map.Entry::getKey);
  }
}
