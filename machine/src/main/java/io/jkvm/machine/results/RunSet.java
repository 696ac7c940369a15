// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Several runs: repetitions, and the same tests on other kernels.
 *
 * @param runs in the order in which they are to be shown
 */
public record RunSet(List<RunReport> runs) {
  /** Takes a copy of the list. */
  public RunSet {
    runs = List.copyOf(runs);
  }

  /**
   * A test, or a whole run, that passes in one repetition and fails in another on the same kernel.
   *
   * @param path suites and name of the test; empty for the run as a whole
   * @param passed in how many repetitions
   * @param failed in how many repetitions
   */
  public record Flaky(String name, String kernel, String path, int passed, int failed) {}

  /** How many runs have each verdict; all verdicts are there. */
  public Map<Verdict, Integer> runCounts() {
    Map<Verdict, Integer> counts = zeros();
    runs.forEach(run -> counts.merge(run.verdict(), 1, Integer::sum));
    return Collections.unmodifiableMap(counts);
  }

  /** How many tests have each verdict; all verdicts are there. Runs without tests do not count. */
  public Map<Verdict, Integer> caseCounts() {
    Map<Verdict, Integer> counts = zeros();
    for (RunReport run : runs) {
      run.leaves().forEach(leaf -> counts.merge(leaf.test().verdict(), 1, Integer::sum));
    }
    return Collections.unmodifiableMap(counts);
  }

  private static Map<Verdict, Integer> zeros() {
    Map<Verdict, Integer> counts = new EnumMap<>(Verdict.class);
    for (Verdict verdict : Verdict.values()) {
      counts.put(verdict, 0);
    }
    return counts;
  }

  /** Whether every run passed or was skipped; false if there are none. */
  public boolean passed() {
    return !runs.isEmpty() && runs.stream().allMatch(RunReport::passed);
  }

  /** The names of the kernels, in the order of the runs. */
  public List<String> kernels() {
    return runs.stream().map(RunReport::kernel).distinct().toList();
  }

  /** The names of the runs, in their order. */
  public List<String> names() {
    return runs.stream().map(RunReport::name).distinct().toList();
  }

  private record Key(String name, String kernel, String path) {}

  private static final class Count {
    private int passed;
    private int failed;

    void add(Verdict verdict) {
      passed += verdict == Verdict.PASS ? 1 : 0;
      failed += verdict.isBad() ? 1 : 0;
    }
  }

  /** What is flaky: whole runs, and the tests in them. */
  public List<Flaky> flaky() {
    Map<Key, Count> counts = new LinkedHashMap<>();
    for (RunReport run : runs) {
      // A run that the user ended, or that jkvm could not make, says nothing of the test.
      if (run.end() != EndClass.INTERRUPTED && run.end() != EndClass.SETUP) {
        count(counts, run, "", run.verdict());
        run.leaves().forEach(leaf -> count(counts, run, leaf.path(), leaf.test().verdict()));
      }
    }
    List<Flaky> flaky = new ArrayList<>();
    counts.forEach(
        (key, count) -> {
          if (count.passed > 0 && count.failed > 0) {
            flaky.add(new Flaky(key.name, key.kernel, key.path, count.passed, count.failed));
          }
        });
    return List.copyOf(flaky);
  }

  private static void count(Map<Key, Count> counts, RunReport run, String path, Verdict verdict) {
    counts
        .computeIfAbsent(new Key(run.name(), run.kernel(), path), key -> new Count())
        .add(verdict);
  }
}
