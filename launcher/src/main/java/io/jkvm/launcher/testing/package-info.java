// SPDX-License-Identifier: Apache-2.0
/** What {@code jkvm test} and {@code jkvm shell} do beyond one run of a command in a guest. */
package io.jkvm.launcher.testing;
