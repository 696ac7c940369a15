// SPDX-License-Identifier: Apache-2.0
/**
 * Virtio over PCI (virtio 1.2, section 4.1), without the legacy interface: structures in a memory
 * base address register, MSI-X or INTx.
 */
package io.jkvm.devices.virtio.transport.pci;
