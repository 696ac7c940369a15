// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.Verdict;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which results came how often: a list that has only known ones is a summary. */
final class RepeatedResults {
  private record Result(String name, Verdict verdict) {}

  private final int limit;
  private final Map<Result, Integer> counts = new HashMap<>();

  RepeatedResults(int limit) {
    this.limit = limit;
  }

  void add(TestCase test) {
    Result result = new Result(test.name(), test.verdict());
    if (counts.size() < limit || counts.containsKey(result)) {
      counts.merge(result, 1, Integer::sum);
    }
  }

  /** Whether each of these came before as well. */
  boolean all(List<TestCase> tests) {
    Map<Result, Integer> own = new HashMap<>();
    tests.forEach(test -> own.merge(new Result(test.name(), test.verdict()), 1, Integer::sum));
    return own.entrySet().stream()
        .allMatch(entry -> counts.getOrDefault(entry.getKey(), 0) >= 2 * entry.getValue());
  }
}
