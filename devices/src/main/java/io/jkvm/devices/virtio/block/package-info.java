// SPDX-License-Identifier: Apache-2.0
/**
 * The block device (virtio 1.2, section 5.2): requests checked as a whole, then carried out by a
 * {@link io.jkvm.devices.storage.BlockBackend}.
 */
package io.jkvm.devices.virtio.block;
