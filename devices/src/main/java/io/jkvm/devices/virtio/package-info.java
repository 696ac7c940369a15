// SPDX-License-Identifier: Apache-2.0
/**
 * What a virtio device implements (virtio 1.2, section 5), whatever transport carries it: its type,
 * its features, its configuration, and a service for each queue that the driver starts.
 *
 * <p>Arrows go from the transports and the devices to here and to {@link
 * io.jkvm.devices.virtio.queue}; transports and devices do not know each other.
 */
package io.jkvm.devices.virtio;
