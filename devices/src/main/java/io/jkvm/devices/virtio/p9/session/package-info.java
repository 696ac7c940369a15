// SPDX-License-Identifier: Apache-2.0
/**
 * What a 9P client has of a tree, from TVERSION to the next: {@link
 * io.jkvm.devices.virtio.p9.session.Fid}s, each at a {@link
 * io.jkvm.devices.virtio.p9.session.Place} of the tree, files that are open, and locks. All of it
 * is bounded, and belongs to the thread that serves the queue.
 */
package io.jkvm.devices.virtio.p9.session;
