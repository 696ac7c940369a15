// SPDX-License-Identifier: Apache-2.0
/**
 * The Test Anything Protocol as kernels and their tests print it (Documentation/dev-tools/ktap.rst,
 * TAP 13 and 14, kselftest's runner): from bytes to a tree of test cases, in bounded memory.
 */
package io.jkvm.machine.results.ktap;
