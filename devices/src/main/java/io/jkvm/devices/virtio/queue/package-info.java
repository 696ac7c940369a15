// SPDX-License-Identifier: Apache-2.0
/**
 * Split virtqueues (virtio 1.2, section 2.7) and who serves them: {@link
 * io.jkvm.devices.virtio.queue.SequentialService} is a thread that takes one request after the
 * other, {@link io.jkvm.devices.virtio.queue.ServiceThread} one for devices that have several under
 * way, {@link io.jkvm.devices.virtio.queue.InboundQueue} is for threads of the host that bring
 * something for the guest. Both can be paused. Nothing here allocates for a request.
 */
package io.jkvm.devices.virtio.queue;
