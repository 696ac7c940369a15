// SPDX-License-Identifier: Apache-2.0
/**
 * The system calls that jkvm uses, as objects; the only package besides {@code linux.net}, {@code
 * linux.files} and {@code linux.uring} that calls the C library. A failure is a {@link
 * io.jkvm.core.linux.LinuxException}, or, where it is met for each request, a negated error number.
 *
 * <p>More than a dozen files because each kind of object that the kernel has is one.
 */
package io.jkvm.core.linux;
