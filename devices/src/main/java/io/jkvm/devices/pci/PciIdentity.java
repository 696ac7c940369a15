// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

/**
 * The read-only part of a type-0 header (PCI Local Bus 3.0, section 6.2.1).
 *
 * @param vendorId 16 bits
 * @param deviceId 16 bits
 * @param revision 8 bits
 * @param classCode 24 bits: base class, sub-class, programming interface
 * @param subsystemVendorId 16 bits
 * @param subsystemId 16 bits
 */
public record PciIdentity(
    int vendorId,
    int deviceId,
    int revision,
    int classCode,
    int subsystemVendorId,
    int subsystemId) {}
