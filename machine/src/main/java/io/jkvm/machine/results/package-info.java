// SPDX-License-Identifier: Apache-2.0
/**
 * What a test run means and how it is written down: one {@link io.jkvm.machine.results.RunReport}
 * for each run of a command on a kernel, a {@link io.jkvm.machine.results.RunSet} of several, and
 * their reports as JUnit XML, JSON and lines for a terminal. Knows nothing of KVM or of a machine;
 * all text in here may be a hostile guest's.
 *
 * <p>It has 15 files because what is told of runs, the formats that tell it and the files that hold
 * it are one subject; what reads results of tests is a room below.
 */
package io.jkvm.machine.results;
