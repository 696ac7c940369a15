// SPDX-License-Identifier: Apache-2.0
/** A machine on this process' terminal. */
package io.jkvm.launcher.terminal;
