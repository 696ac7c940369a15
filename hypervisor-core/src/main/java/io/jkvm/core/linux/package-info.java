// SPDX-License-Identifier: Apache-2.0
/**
 * The system calls that jkvm uses, as objects; the only package besides {@code linux.net} that
 * calls the C library. A failure is a {@link io.jkvm.core.linux.LinuxException}, or, where it is
 * met for each request, a negated error number.
 */
package io.jkvm.core.linux;
