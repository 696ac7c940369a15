// SPDX-License-Identifier: Apache-2.0
/**
 * The 9P transport device (virtio 1.2, device ID 9; Linux's {@code
 * include/uapi/linux/virtio_9p.h}), which carries the requests of 9P2000.L to a {@link
 * io.jkvm.devices.files.FileTree}. {@link io.jkvm.devices.virtio.p9.P9Server} hands each message to
 * those who know its type; how a message lies in memory is known to {@code message}, what a client
 * has to {@code session}.
 *
 * <p>Everything that a tree is asked has been checked here, and what a share's policy forbids is
 * refused here.
 */
package io.jkvm.devices.virtio.p9;
