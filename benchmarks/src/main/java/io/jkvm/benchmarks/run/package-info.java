// SPDX-License-Identifier: Apache-2.0
/** What is measured, and on whom: steps, contenders, the processes and their processor time. */
package io.jkvm.benchmarks.run;
