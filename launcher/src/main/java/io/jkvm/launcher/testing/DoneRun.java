// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import io.jkvm.machine.results.RunReport;

/**
 * A run that has ended.
 *
 * @param commandStarted whether the kernel came as far as the command
 */
record DoneRun(RunReport report, boolean commandStarted) {
  boolean passed() {
    return report.passed();
  }
}
