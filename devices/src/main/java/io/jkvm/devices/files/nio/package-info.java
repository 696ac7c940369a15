// SPDX-License-Identifier: Apache-2.0
/**
 * A {@link io.jkvm.devices.files.FileTree} over any {@link java.nio.file.FileSystem}: a zip file,
 * one in memory, one of a program's own. For convenience and tests, not for speed, and not for the
 * host's directories while others than the guest change them: a {@link java.nio.file.Path} is
 * looked up anew by each call.
 */
package io.jkvm.devices.files.nio;
