// SPDX-License-Identifier: Apache-2.0
/**
 * The {@code jkvm} command. {@link io.jkvm.launcher.Main} takes the arguments and ends the process;
 * everything about machines comes from {@link io.jkvm.machine}.
 */
package io.jkvm.launcher;
