// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import io.jkvm.machine.results.TestCase;
import java.util.List;

/**
 * What a stream of output said about tests.
 *
 * @param found whether there was any test protocol in it; if not, there are no cases
 * @param cases the tests and suites, in their order
 * @param cut whether there was more than is kept; what failed among it is one more case
 */
public record TestResults(boolean found, List<TestCase> cases, boolean cut) {
  /** Takes a copy of the list; tests of one name are numbered. */
  public TestResults {
    cases = TestCase.numbered(cases);
  }
}
