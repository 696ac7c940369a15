// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.micro;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * An exit, a walk of a ring and a disk's request allocate nothing, as JMH's gc.alloc.rate.norm
 * says.
 */
class AllocationTest {
  /** Less than any object has; what else the JVM does meanwhile is a little. */
  private static final double MOST_BYTES = 4;

  private static Map<String, Double> bytesPerOperation(String benchmarks) throws RunnerException {
    // In this JVM, where tests are run from a class path that a JVM of JMH's own would not have.
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include(benchmarks)
                    .forks(0)
                    .warmupIterations(2)
                    .warmupTime(TimeValue.milliseconds(300))
                    .measurementIterations(3)
                    .measurementTime(TimeValue.milliseconds(300))
                    .addProfiler(GCProfiler.class)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();
    Map<String, Double> bytes = new TreeMap<>();
    for (RunResult result : results) {
      bytes.put(
          result.getPrimaryResult().getLabel(),
          result.getSecondaryResults().get("gc.alloc.rate.norm").getStatistics().getMin());
    }
    return bytes;
  }

  @Test
  void exitsRingsAndRequestsAllocateNothing() throws RunnerException {
    Map<String, Double> bytes =
        bytesPerOperation("io\\.jkvm\\..*\\.(ExitDispatch|RingWalk|RequestParse)\\.");
    assertEquals(6, bytes.size(), bytes::toString);
    for (double each : bytes.values()) {
      assertTrue(each < MOST_BYTES, bytes::toString);
    }
  }

  @Test
  void anObjectWouldBeSeen() throws RunnerException {
    Map<String, Double> bytes = bytesPerOperation("Control\\.");
    assertEquals(2, bytes.size(), bytes::toString);
    for (double each : bytes.values()) {
      assertTrue(each > MOST_BYTES, bytes::toString);
    }
  }
}
