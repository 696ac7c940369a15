// SPDX-License-Identifier: Apache-2.0
/**
 * What virtio-mmio and virtio-pci have in common: status, negotiation, queue settings, and the life
 * of the queues' services, which a driver starts and resets, a host pauses, and a bus may hold.
 */
package io.jkvm.devices.virtio.transport;
