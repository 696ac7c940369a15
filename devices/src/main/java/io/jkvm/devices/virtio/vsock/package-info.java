// SPDX-License-Identifier: Apache-2.0
/**
 * The socket device (virtio 1.2, section 5.10): stream connections between guest and host, either
 * of which may begin them. {@link io.jkvm.devices.virtio.vsock.VirtioVsock} is the device, a {@link
 * io.jkvm.devices.virtio.vsock.VsockPeer} what the host has at its end of a connection, and a
 * {@link io.jkvm.devices.virtio.vsock.VsockConnection} what the host does with it.
 */
package io.jkvm.devices.virtio.vsock;
