// SPDX-License-Identifier: Apache-2.0
/**
 * The console device (virtio 1.2, section 5.3): named byte streams between guest and host, some of
 * which may be terminals. {@link io.jkvm.devices.virtio.console.VirtioConsole} is the device, a
 * {@link io.jkvm.devices.virtio.console.PortHost} what the host has at a port, and a {@link
 * io.jkvm.devices.virtio.console.ConsolePort} what the host does with it.
 */
package io.jkvm.devices.virtio.console;
