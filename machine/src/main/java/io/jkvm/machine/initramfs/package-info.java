// SPDX-License-Identifier: Apache-2.0
/**
 * Makes an initramfs for a guest out of the host's files: a cpio archive with programs, the
 * libraries and interpreters that they need, and whole directories. {@link
 * io.jkvm.machine.initramfs.InitramfsBuilder} is where to begin. Nothing here knows of a machine;
 * names are bytes throughout, whatever the locale.
 */
package io.jkvm.machine.initramfs;
