// SPDX-License-Identifier: Apache-2.0
/**
 * PCI (PCI Local Bus 3.0): one bus with its configuration space, memory base address registers that
 * the guest may move at any time, INTx and MSI-X. What sits on the bus implements {@link
 * io.jkvm.devices.pci.PciFunction}.
 *
 * <p>Lock order: {@link io.jkvm.devices.pci.PciBus}, then the function, then its {@link
 * io.jkvm.devices.pci.Msix}. Accesses to memory-mapped registers take no lock of the bus.
 */
package io.jkvm.devices.pci;
