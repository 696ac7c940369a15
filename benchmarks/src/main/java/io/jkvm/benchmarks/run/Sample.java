// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

/**
 * What one step of one round came to. Times are nanoseconds a request.
 *
 * @param cycles of the guest's time stamp counter a request; 0 for the bare host
 * @param cpuNanos processor time of the hypervisor, or of fio: all threads but for the guest's own
 *     instructions
 * @param systemShare how much of that is the kernel's, 0 to 1
 * @param notifications that the guest sent, of all requests
 * @param medianNanos from making a request available to seeing it done; 0 if unknown
 * @param lateNanos the same, 99th percentile
 */
public record Sample(
    String contender,
    String step,
    int round,
    long count,
    double nanos,
    double cycles,
    double cpuNanos,
    double systemShare,
    long notifications,
    double medianNanos,
    double lateNanos) {}
