// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio;

/**
 * The device types (virtio 1.2, section 5) and what they are on a PCI bus (PCI Code and ID
 * Assignment 1.11, section 1).
 */
public enum VirtioType {
  /** Ethernet controller. */
  NETWORK(1, 0x020000),

  /** Other mass storage controller. */
  BLOCK(2, 0x018000),

  /** Other communications device. */
  CONSOLE(3, 0x078000),

  /** No class is defined for a source of randomness. */
  ENTROPY(4, 0xff0000),

  /** Other mass storage controller. */
  P9_TRANSPORT(9, 0x018000),

  /** Other communications device. */
  SOCKET(19, 0x078000),

  /** Other mass storage controller. */
  FILE_SYSTEM(26, 0x018000);

  private final int deviceId;
  private final int pciClassCode;

  VirtioType(int deviceId, int pciClassCode) {
    this.deviceId = deviceId;
    this.pciClassCode = pciClassCode;
  }

  /** The virtio device ID, for example 2 for a block device. */
  public int deviceId() {
    return deviceId;
  }

  /** 24 bits: base class, sub-class, programming interface. */
  public int pciClassCode() {
    return pciClassCode;
  }
}
