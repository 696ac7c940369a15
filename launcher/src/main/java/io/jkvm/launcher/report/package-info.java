// SPDX-License-Identifier: Apache-2.0
/** What jkvm says to its user: notes, errors with advice, the exit status. */
package io.jkvm.launcher.report;
