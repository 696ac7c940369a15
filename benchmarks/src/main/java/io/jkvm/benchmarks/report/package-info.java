// SPDX-License-Identifier: Apache-2.0
/** Medians, spread and ratios of samples, as tables, JSON and a chart. */
package io.jkvm.benchmarks.report;
