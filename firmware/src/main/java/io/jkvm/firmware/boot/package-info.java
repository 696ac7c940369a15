// SPDX-License-Identifier: Apache-2.0
/**
 * From a kernel file to a loaded machine. {@link io.jkvm.firmware.boot.BootPlan} chooses one of
 * four ways; each loads the kernel, its initrd and command line, writes what the kernel is told,
 * and returns how the first vCPU starts.
 *
 * <p>Messages state facts; what a user could do is left to the caller, by {@link
 * io.jkvm.firmware.boot.BootException.Kind}.
 *
 * <p>More than a dozen files because each way to boot, and each structure it writes, is one.
 */
package io.jkvm.firmware.boot;
