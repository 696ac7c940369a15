// SPDX-License-Identifier: Apache-2.0
/**
 * What needs no guest, by JMH: an exit's dispatch, a walk of a ring. {@code benchmarks/micro.sh}
 * runs them.
 */
package io.jkvm.benchmarks.micro;
