// SPDX-License-Identifier: Apache-2.0
/**
 * The root of a guest that runs commands for the host: an initramfs with the agent as init, the
 * modules of the kernel that it needs, and the files of the host's that a {@link
 * io.jkvm.machine.root.RootSpec} names.
 */
package io.jkvm.machine.root;
