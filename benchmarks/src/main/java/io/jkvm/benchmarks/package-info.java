// SPDX-License-Identifier: Apache-2.0
/**
 * The disk benchmark, {@code make bench}: jkvm and QEMU with the guest of {@code
 * guest-images/bench}, fio on the bare host, in turns. {@code run} measures, {@code report} says
 * what came out.
 */
package io.jkvm.benchmarks;
