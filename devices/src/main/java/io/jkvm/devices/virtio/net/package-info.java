// SPDX-License-Identifier: Apache-2.0
/**
 * The network device (virtio 1.2, section 5.1): queue pairs between the guest and a {@link
 * io.jkvm.devices.network.NetworkBackend}, receive filter, control queue, and in software what
 * either side can't do: checksums and segmentation.
 */
package io.jkvm.devices.virtio.net;
