// SPDX-License-Identifier: Apache-2.0
/**
 * Kernel files: what a file is, whether it is whole, and how its parts get into guest RAM. Reads
 * bzImages (Linux boot protocol 2.06 and later) and ELF executables; knows nothing of how a machine
 * starts them, which is {@code firmware.boot}.
 *
 * <p>More than a dozen files because each format, and each header inside of one, is one.
 */
package io.jkvm.firmware.kernel;
