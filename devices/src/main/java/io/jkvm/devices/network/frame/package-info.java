// SPDX-License-Identifier: Apache-2.0
/**
 * Ethernet frames and what is still to be done to them (struct virtio_net_hdr): checksums and
 * segmentation, in software where nobody else does it.
 */
package io.jkvm.devices.network.frame;
