// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.micro;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Allocates, so that {@link AllocationTest} can show that it would notice. */
@State(Scope.Thread)
public class Control {
  private int calls;

  @Benchmark
  public Object oneObject() {
    return new Object();
  }

  /** One that only the compiler that jkvm does not use would do away with. */
  @Benchmark
  public int oneThatDoesNotEscape() {
    int[] pair = {calls++, 1};
    return pair[0] + pair[1];
  }
}
