// SPDX-License-Identifier: Apache-2.0
/**
 * Trees of files that a guest may share, and nothing of how it asks for them: a {@link
 * io.jkvm.devices.files.FileTree} has nodes, which a guest holds by number, and gives {@link
 * io.jkvm.devices.files.OpenFile}s and {@link io.jkvm.devices.files.OpenDirectory}s. A {@link
 * io.jkvm.devices.files.SharePolicy} says what a guest may do with one, whatever the tree could.
 *
 * <p>Failures are negated error numbers of Linux, names are bytes, and what a call gives back goes
 * into an object of the caller's that is used again: nothing here allocates for a request. What
 * reaches a tree has been checked: see {@link io.jkvm.devices.files.FileTree}.
 */
package io.jkvm.devices.files;
