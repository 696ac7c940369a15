// SPDX-License-Identifier: Apache-2.0
/**
 * The file system device (virtio 1.2, section 5.11), which carries the requests of FUSE (Linux's
 * {@code include/uapi/linux/fuse.h}, protocol 7.38) to a {@link io.jkvm.devices.files.FileTree}.
 * Each queue has a {@link io.jkvm.devices.virtio.fs.FuseServer} of its own; what a mount knows is
 * in one {@link io.jkvm.devices.virtio.fs.FuseSession}.
 *
 * <p>Everything that a tree is asked has been checked here, and what a share's policy forbids is
 * refused here.
 */
package io.jkvm.devices.virtio.fs;
